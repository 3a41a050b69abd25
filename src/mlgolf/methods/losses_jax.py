"""Losses of examples in JAX: what a selection chooses by. Compiled once per shape of a batch."""

from collections.abc import Callable
from typing import Any

import jax
from jax import Array

from mlgolf.core import spec
from mlgolf.core.arrays import Batch


def example_losses(workload: Any) -> Callable[[Any, Any, Batch, Any], Array]:
    """(params, model_state, batch, rng) -> (B,) losses, as in training but without dropout.

    Batch norm normalises by the batch, and its running statistics stay as they are. Make it once:
    each one is compiled anew.
    """

    def losses(params: Any, model_state: Any, batch: Batch, rng: Any) -> Array:
        logits, _ = workload.model_fn(
            params=params, augmented_and_preprocessed_input_batch=batch, model_state=model_state,
            mode=spec.ForwardPassMode.TRAIN, rng=rng, update_batch_norm=False, dropout_rate=0.0,
        )
        loss = workload.loss_fn(
            label_batch=batch["targets"], logits_batch=logits, mask_batch=batch.get("weights")
        )
        return loss["per_example"]

    return jax.jit(losses)
