"""Losses of examples without gradients, in PyTorch: what a selection chooses by."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core import spec
from mlgolf.core.arrays import Batch


def example_losses(workload: Any) -> Callable[[nn.Module, Any, Batch, Any], Tensor]:
    """(params, model_state, batch, rng) -> (B,) losses, as in training but without dropout.

    Batch norm normalises by the batch, and its running statistics stay as they are.
    """

    @torch.no_grad()
    def losses(params: nn.Module, model_state: Any, batch: Batch, rng: Any) -> Tensor:
        logits, _ = workload.model_fn(
            params=params, augmented_and_preprocessed_input_batch=batch, model_state=model_state,
            mode=spec.ForwardPassMode.TRAIN, rng=rng, update_batch_norm=False, dropout_rate=0.0,
        )
        loss = workload.loss_fn(
            label_batch=batch["targets"], logits_batch=logits, mask_batch=batch.get("weights")
        )
        return loss["per_example"]

    return losses
