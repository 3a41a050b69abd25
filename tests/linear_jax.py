"""The linear problem behind the part of the workload facade that JAX submissions use."""

from typing import Any

import jax
import numpy as np
from linear_problem import STEP_HINT, Params, initial_params, random_batches, train_by_submission


class LinearWorkload:
    """Keeps the keywords it was traced with, for a test to look at."""

    step_hint = STEP_HINT

    def __init__(self) -> None:
        self.batches = jax.device_put(random_batches())
        self.model_keywords: dict[str, Any] = {}
        self.loss_keywords: dict[str, Any] = {}

    def model_fn(
        self, params, augmented_and_preprocessed_input_batch, model_state, mode, rng,
        update_batch_norm, **keywords,
    ):  # fmt: skip
        self.model_keywords = keywords
        inputs = augmented_and_preprocessed_input_batch["inputs"]
        return inputs @ params["weight"] + params["bias"], model_state

    def loss_fn(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        self.loss_keywords = {"label_smoothing": label_smoothing}
        per_example = mask_batch * (logits_batch - label_batch) ** 2 / 2
        return {
            "summed": per_example.sum(),
            "n_valid_examples": mask_batch.sum(),
            "per_example": per_example,
        }


def params() -> dict[str, jax.Array]:
    """Arrays of their own each time: a training step may give them up."""
    return {name: jax.numpy.array(value) for name, value in initial_params().items()}


def trained(submission: Any, point: dict[str, Any] | None) -> Params:
    """The parameters that a submission arrives at."""
    key = jax.random.PRNGKey(0)
    tree = train_by_submission(submission, LinearWorkload(), params(), point, key)
    return {name: np.asarray(value) for name, value in tree.items()}
