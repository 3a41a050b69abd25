"""What a model's loss returns, in both frameworks."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mlgolf.workloads.parts import losses_jax, losses_torch

Losses = Callable[[NDArray, NDArray | None], dict[str, NDArray]]
OF_TOKENS = np.float32([[1, 2, 4], [8, 16, 32]])


@pytest.fixture(params=["torch", "jax"])
def masked_losses(request: pytest.FixtureRequest) -> Losses:
    module, array = {
        "torch": (losses_torch, torch.tensor), "jax": (losses_jax, jnp.asarray),
    }[request.param]  # fmt: skip

    def of_arrays(losses: NDArray, mask: NDArray | None) -> dict[str, NDArray]:
        found = module.masked_losses(array(losses), None if mask is None else array(mask))
        return {name: np.asarray(value) for name, value in found.items()}

    return of_arrays


def test_without_a_mask_all_parts_of_all_examples_count(masked_losses: Losses):
    found = masked_losses(OF_TOKENS, None)
    assert found["per_example"].tolist() == [7, 56]
    assert (found["summed"], found["n_valid_examples"]) == (63, 6)


def test_a_mask_of_examples_leaves_all_parts_of_one_out(masked_losses: Losses):
    found = masked_losses(OF_TOKENS, np.float32([0, 1]))
    assert found["per_example"].tolist() == [0, 56]
    assert (found["summed"], found["n_valid_examples"]) == (56, 3)


def test_a_mask_of_parts_leaves_single_ones_out(masked_losses: Losses):
    found = masked_losses(OF_TOKENS, np.float32([[1, 1, 0], [0, 0, 1]]))
    assert found["per_example"].tolist() == [3, 32]
    assert (found["summed"], found["n_valid_examples"]) == (35, 3)


def test_examples_without_parts_are_counted_themselves(masked_losses: Losses):
    found = masked_losses(np.float32([1, 2, 4]), np.float32([[1], [0], [1]]))
    assert found["per_example"].tolist() == [1, 0, 4]
    assert (found["summed"], found["n_valid_examples"]) == (5, 2)


def test_a_loss_under_the_mask_may_be_no_number(masked_losses: Losses):
    found = masked_losses(np.float32([1, np.nan, np.inf]), np.float32([1, 0, 0]))
    assert found["per_example"].tolist() == [1, 0, 0]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("labels", ["integers", "probabilities"])
def test_softmax_cross_entropy_in_jax_is_that_of_torch(labels: str, smoothing: float):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5, 4)).astype(np.float32)
    given = (
        rng.integers(4, size=5) if labels == "integers"
        else rng.dirichlet(np.ones(4), 5).astype(np.float32)
    )  # fmt: skip
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(given), reduction="none", label_smoothing=smoothing
    )
    found = losses_jax.softmax_cross_entropy(jnp.asarray(given), jnp.asarray(logits), smoothing)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_softmax_cross_entropy_of_tokens_has_one_loss_for_each():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    labels = np.array([[0, 1, 2], [3, 0, 1]])
    found = losses_jax.softmax_cross_entropy(jnp.asarray(labels), jnp.asarray(logits), 0.1)
    each = losses_jax.softmax_cross_entropy(
        jnp.asarray(labels.ravel()), jnp.asarray(logits.reshape(-1, 4)), 0.1
    )
    np.testing.assert_allclose(found.ravel(), each, rtol=1e-6)
