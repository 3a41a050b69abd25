"""A pass of training through a model in PyTorch."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Model


def passed(
    model: Model, params: nn.Module, model_state: Any, batch: Mapping[str, Any], key: Any,
    dropout_rate: float,
) -> tuple[dict[str, NDArray], dict[str, NDArray], Any]:
    """See `training.training_pass`."""
    mode = ForwardPassMode.TRAIN
    logits, after = model.apply(params, batch, model_state, mode, key, True, dropout_rate)
    loss = model.loss(batch["targets"], logits, batch.get("weights"))
    named = dict(params.named_parameters())
    slopes = torch.autograd.grad(loss["summed"], list(named.values()), materialize_grads=True)
    gradients = {name: _numpy(slope) for name, slope in zip(named, slopes, strict=True)}
    return {"logits": _numpy(logits)} | {n: _numpy(v) for n, v in loss.items()}, gradients, after


def _numpy(tensor: Tensor) -> NDArray:
    return tensor.detach().cpu().numpy()
