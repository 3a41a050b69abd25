"""A linear map from zero, and its squared error, in PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.parts.losses_torch import masked_losses


class Model:
    def __init__(self, size: Size) -> None:
        self._dimensions, self._scale = size.model.dimensions, size.model.initial_scale

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        torch.random.manual_seed(int(rng[0]))
        layer = nn.Linear(self._dimensions, 1)
        with torch.no_grad():
            layer.weight.mul_(self._scale)
        return nn.Sequential(layer), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        return params(batch["inputs"]), None

    def loss(
        self, label_batch: Tensor, logits_batch: Tensor, mask_batch: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        return masked_losses((logits_batch - label_batch).square(), mask_batch)

    def is_output(self, key: str) -> bool:
        return True
