"""NadamW with linear warm-up and cosine decay, in PyTorch on one device."""

# pyright: reportPrivateImportUsage=false
# The operations on lists of tensors have an underscore, and are what torch's own optimizers use.

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core import spec
from mlgolf.torch import chosen_point, data_selection, get_batch_size, gradients, warmup_cosine

__all__ = ["data_selection", "get_batch_size", "init_optimizer_state", "update_params"]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())


def init_optimizer_state(
    workload: spec.Workload, model_params: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, rng: spec.RandomState,
) -> dict[str, Any]:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = NadamW(
        list(model_params.parameters()),
        beta1=1 - point["one_minus_beta1"],
        beta2=point["beta2"],
        weight_decay=point["weight_decay"],
    )
    return {"optimizer": optimizer}


def update_params(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, Tensor], loss_type: spec.LossType,
    optimizer_state: dict[str, Any], eval_results: list[tuple[int, dict[str, float]]],
    global_step: int, rng: spec.RandomState, train_state: Any = None,
) -> tuple[dict[str, Any], nn.Module, spec.ModelAuxiliaryState]:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = optimizer_state["optimizer"]
    _, gradient, model_state = gradients(
        workload, current_param_container, model_state, batch, rng, point,
        tensors=optimizer.params, max_norm=point.get("grad_clip"),
    )  # fmt: skip
    factor = learning_rate_factor(global_step, workload.step_hint, point)
    optimizer.step(gradient, point["learning_rate"] * factor)
    return optimizer_state, current_param_container, model_state


def learning_rate_factor(step: int, step_hint: int, point: dict[str, Any]) -> float:
    """Linear from 0 to 1 over the warm-up, then half a cosine to 0 at `step_hint`."""
    warmup_steps = int(point["warmup_factor"] * step_hint)
    return warmup_cosine(step, warmup_steps, max(step_hint, warmup_steps + 1))


class NadamW:
    """The update rule, a few operations for all parameters at once. See rule.py for the formula."""

    def __init__(
        self, params: list[Tensor], beta1: float, beta2: float, weight_decay: float,
        epsilon: float = 1e-8,
    ) -> None:
        self.params = params
        self.beta1, self.beta2 = beta1, beta2
        self.weight_decay, self.epsilon = weight_decay, epsilon
        self.steps = 0
        self.first_moments = [torch.zeros_like(p, requires_grad=False) for p in params]
        self.second_moments = [torch.zeros_like(p, requires_grad=False) for p in params]

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...], learning_rate: float) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.first_moments, gradients, 1 - self.beta1)
        torch._foreach_mul_(self.second_moments, self.beta2)
        torch._foreach_addcmul_(self.second_moments, gradients, gradients, 1 - self.beta2)

        ahead = torch._foreach_lerp(self.first_moments, gradients, 1 - self.beta1)
        scales = torch._foreach_sqrt(self.second_moments)
        torch._foreach_div_(scales, math.sqrt(1 - self.beta2**self.steps))
        torch._foreach_add_(scales, self.epsilon)

        torch._foreach_mul_(self.params, 1 - learning_rate * self.weight_decay)
        rate = learning_rate / (1 - self.beta1**self.steps)
        torch._foreach_addcdiv_(self.params, ahead, scales, -rate)

    def state_dict(self) -> dict[str, Any]:
        moments = {"first_moments": self.first_moments, "second_moments": self.second_moments}
        return {"steps": self.steps, **moments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        torch._foreach_copy_(self.first_moments, state["first_moments"])
        torch._foreach_copy_(self.second_moments, state["second_moments"])
