"""Same parameters, same clicks: both frameworks train and evaluate alike."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

from mlgolf.testing.parity import assert_parity
from mlgolf.workloads.criteo1tb import WORKLOAD

ROWS = 32
ORDER = ("bot_mlp", "embed_ln", "top_mlp")  # in which JAX numbers the layers of a kind


def batch():
    rng = np.random.default_rng(0)
    dense, ids = rng.random((ROWS, 13)), rng.integers(20_000, size=(ROWS, 26))
    return {
        "inputs": np.concatenate([dense, ids], axis=1).astype(np.float32),
        "targets": rng.integers(2, size=(ROWS, 1)).astype(np.float32),
        "weights": (np.arange(ROWS) < 30).astype(np.float32),
    }


def to_jax(arrays):
    """Names and layouts of the torch network as the JAX network has them."""
    chunks = [name for name in arrays if name.startswith("embedding_chunk")]
    found = {"embedding_table": np.concatenate([arrays[name] for name in sorted(chunks)])}
    modules = {name.rpartition(".")[0] for name in arrays} - {""}
    for ndim, kind, weight in ((2, "Dense", "kernel"), (1, "LayerNorm", "scale")):
        alike = [name for name in modules if arrays[f"{name}.weight"].ndim == ndim]
        for number, name in enumerate(sorted(alike, key=place)):
            found[f"{kind}_{number}/{weight}"] = arrays[f"{name}.weight"].T
            found[f"{kind}_{number}/bias"] = arrays[f"{name}.bias"]
    return found


def place(module):
    """Residual layers are called "top_mlp.3.module.0", others "top_mlp.3"."""
    part, number, *_ = [*module.split("."), "0"]
    return ORDER.index(part), int(number)


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_torch_and_jax_compute_the_same(name):
    assert_parity(WORKLOAD, WORKLOAD.size(name), batch(), to_jax)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("full_test", marks=pytest.mark.long),  # the same layers, a smaller table
        pytest.param("full", marks=pytest.mark.full),
    ],
)
def test_torch_and_jax_compute_the_same_at_full_size(name):
    assert_parity(WORKLOAD, WORKLOAD.size(name), batch(), to_jax)
