"""What every submission in PyTorch needs besides `training.py`: gradients and clipping."""

# pyright: reportPrivateImportUsage=false
# The operations on lists of tensors have an underscore, and are what torch's own optimizers use.

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.backends.training import mean_loss
from mlgolf.core import spec


def gradients(
    workload: spec.Workload, params: nn.Module, model_state: spec.ModelAuxiliaryState,
    batch: dict[str, Tensor], rng: spec.RandomState, point: Mapping[str, Any], *,
    tensors: Sequence[Tensor] | None = None, max_norm: float | None = None,
) -> tuple[Tensor, tuple[Tensor, ...], spec.ModelAuxiliaryState]:
    """(mean loss, its gradients, model state) of a batch; see `mean_loss` for the arguments.

    Args:
      tensors: what to differentiate by; None: all parameters of the model, in their order. To list
        those takes time at each step, so a list that is kept is faster.
      max_norm: the largest joint norm of the gradients, by `clip_by_global_norm`; None: any.
    Returns: one gradient per tensor; of zeros where the loss does not depend on it. The `.grad` of
      the parameters stays as it is.
    """
    loss, model_state = mean_loss(workload, params, model_state, batch, rng, point)
    inputs = list(params.parameters()) if tensors is None else tensors
    slopes = torch.autograd.grad(loss, inputs, materialize_grads=True)
    if max_norm is not None:
        slopes = clip_by_global_norm(slopes, max_norm)
    return loss.detach(), slopes, model_state


def clip_by_global_norm(
    gradients: list[Tensor] | tuple[Tensor, ...], max_norm: float
) -> tuple[Tensor, ...]:
    """The gradients, scaled so that their joint Euclidean norm is at most `max_norm`."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    # Not in place: two parameters may share the tensor that is their gradient.
    return torch._foreach_mul(gradients, torch.clamp(max_norm / (norm + 1e-6), max=1.0))
