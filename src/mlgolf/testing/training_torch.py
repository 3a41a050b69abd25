"""A pass of training through a model in PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlgolf.core.arrays import map_arrays
from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Model


def passed(
    model: Model, params: nn.Module, model_state: Any, batch: Mapping[str, Any], key: Any,
    dropout_rate: float,
) -> tuple[Any, dict[str, NDArray], dict[str, NDArray], Any]:
    """Logits, losses, gradients and model state of `training.training_pass`."""
    mode = ForwardPassMode.TRAIN
    logits, after = model.apply(params, batch, model_state, mode, key, True, dropout_rate)
    loss = model.loss(batch["targets"], logits, batch.get("weights"))
    named = dict(params.named_parameters())
    slopes = torch.autograd.grad(loss["summed"], list(named.values()), materialize_grads=True)
    gradients = {name: _numpy(slope) for name, slope in zip(named, slopes, strict=True)}
    losses = {name: _numpy(value) for name, value in loss.items()}
    return map_arrays(_numpy, logits), losses, gradients, after


def _numpy(tensor: Tensor) -> NDArray:
    return tensor.detach().cpu().numpy()
