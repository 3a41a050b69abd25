"""A logit that is linear in the mean of a recording's readings."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.parts.losses_torch import masked_losses


class Model:
    def __init__(self, size: Size) -> None:
        self._channels = size.model.channels

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        torch.random.manual_seed(int(rng[0]))
        return nn.Sequential(nn.Linear(self._channels, 1)), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        """Logits (B,)."""
        readings, lengths = batch["inputs"]["readings"], batch["inputs"]["lengths"]
        is_there = torch.arange(readings.shape[1], device=readings.device) < lengths[:, None]
        sums = (readings * is_there[:, :, None]).sum(dim=1)
        return params(sums / lengths.clamp(min=1)[:, None]).squeeze(1), None

    def loss(
        self, label_batch: tuple[Tensor], logits_batch: Tensor,
        mask_batch: Tensor | None = None, label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        """Sigmoid cross-entropy; there is no label smoothing."""
        (events,) = label_batch
        losses = F.binary_cross_entropy_with_logits(
            logits_batch, events.to(logits_batch.dtype), reduction="none"
        )
        return masked_losses(losses, mask_batch)

    def decode(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None, logits: Tensor
    ) -> dict[str, Tensor]:
        return {"probability": logits.sigmoid()}

    def is_output(self, key: str) -> bool:
        return True
