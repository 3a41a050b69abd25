"""Same parameters, same rows: both frameworks train and evaluate alike."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

from mlgolf.testing.parity import assert_parity
from mlgolf.workloads.finewebedu_lm import WORKLOAD

ROWS = 3
LENGTH = 64  # of a row: those of full size would be longer
IN_A_BLOCK = {
    "attn_norm.weight": "RMSNorm_0/scale",
    "attn.attn_scale": "CausalAttn_0/attn_scale",
    "attn.w_out.weight": "CausalAttn_0/attn_out_proj/kernel",
    "mlp_norm.weight": "RMSNorm_1/scale",
    "mlp.fc1.weight": "Mlp_0/Dense_0/kernel",
    "mlp.fc2.weight": "Mlp_0/Dense_1/kernel",
}


def batch(size):
    """The last row is padding."""
    shape, rng = (ROWS, LENGTH + 1), np.random.default_rng(0)
    tokens = rng.integers(size.data.vocabulary, size=shape).astype(np.int32)
    weights = (np.arange(ROWS) < ROWS - 1).astype(np.float32)
    return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:], "weights": weights}


def to_jax(heads):
    """Names and layouts of the torch network as the JAX network of so many heads has them."""

    def converted(arrays):
        found = {}
        for name, array in arrays.items():
            _, _, place = name.partition("layers.")
            number, _, part = place.partition(".")
            block = f"blocks_{number}"
            if part == "attn.w_qkv.weight":
                for key, weights in zip(("query", "key", "value"), np.split(array, 3), strict=True):
                    kernel = weights.T.reshape(len(weights), heads, -1)
                    found[f"{block}/CausalAttn_0/{key}/kernel"] = kernel
            elif part:
                found[f"{block}/{IN_A_BLOCK[part]}"] = array.T
        found["embed/embedding"] = arrays["embed_tokens.weight"]
        found["out_ln/scale"] = arrays["out_norm.weight"]
        return found

    return converted


@pytest.mark.parametrize(
    "name",
    [
        "mini",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("mini_x4", "mini_x16")),
        pytest.param("full", marks=pytest.mark.full),
    ],
)
def test_torch_and_jax_compute_the_same(name):
    size = WORKLOAD.size(name)
    assert_parity(WORKLOAD, size, batch(size), to_jax(size.model.heads))
