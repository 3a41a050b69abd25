"""Same parameters, same images: both frameworks train and evaluate alike."""

import re

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

from mlgolf.testing.parity import assert_parity
from mlgolf.workloads.imagenet_resnet import WORKLOAD

STATISTICS = {"running_mean": "mean", "running_var": "var"}


def batch(size, side, examples=8):
    rng = np.random.default_rng(0)
    return {
        "inputs": rng.standard_normal((examples, 3, side, side), np.float32),
        "targets": rng.integers(size.model.classes, size=examples),
        "weights": (np.arange(examples) < examples - 2).astype(np.float32),
    }


def to_jax(size):
    """Names and layouts of the torch network as the JAX network has them."""
    stages = enumerate(size.model.blocks)
    blocks = [f"layer{stage + 1}.{block}." for stage, n in stages for block in range(n)]

    def renamed(arrays):
        kept = {name: a for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
        return dict(in_jax(blocks, name, array) for name, array in kept.items())

    return renamed


def in_jax(blocks, name, array):
    module, _, leaf = name.rpartition(".")
    if module == "fc":
        return f"Dense_0/{'kernel' if leaf == 'weight' else leaf}", array.T
    below, place = "", "init"
    if found := re.match(r"layer\d+\.\d+\.", name):
        below = f"BottleneckResNetBlock_{blocks.index(found[0])}/"
        number = re.search(r"\d$", module)
        place = int(number[0]) - 1 if number else "proj"
    if "conv" in module:
        if leaf == "bias":
            return f"{below}Conv_{place}/bias", array
        return f"{below}Conv_{place}/kernel", array.transpose(2, 3, 1, 0)
    norm = f"{below}BatchNorm_{place}"
    if leaf in STATISTICS:
        return f"model_state/batch_stats/{norm}/{STATISTICS[leaf]}", array
    return f"{norm}/{'scale' if leaf == 'weight' else leaf}", array


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_torch_and_jax_compute_the_same(name):
    size = WORKLOAD.size(name)
    assert_parity(WORKLOAD, size, batch(size, size.data.resolution), to_jax(size))


@pytest.mark.full
def test_torch_and_jax_compute_the_same_at_full_size():
    # In float32, what a ReLU of many layers gets may fall to either side of zero. On smaller images
    # the last batch norms have a handful of values, and magnify that.
    size = WORKLOAD.size("full")
    assert_parity(
        WORKLOAD, size, batch(size, side=160), to_jax(size), tolerance=1e-2, flipped=0.02
    )
