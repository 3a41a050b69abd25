"""SGD with Nesterov momentum, linear warm-up and linear decay, in PyTorch on one device."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core import spec
from mlgolf.torch import chosen_point, data_selection, get_batch_size, mean_loss, warmup_linear

__all__ = ["data_selection", "get_batch_size", "init_optimizer_state", "update_params"]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())


def init_optimizer_state(
    workload: spec.Workload, model_params: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, rng: spec.RandomState,
) -> dict[str, Any]:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = torch.optim.SGD(
        model_params.parameters(),
        lr=point["learning_rate"],
        momentum=1 - point["one_minus_beta1"],
        weight_decay=point["weight_decay"],  # added to the gradient, before the momentum
        nesterov=True,
        foreach=True,
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
    loss, model_state = mean_loss(workload, current_param_container, model_state, batch, rng, point)
    optimizer.zero_grad()
    loss.backward()
    if "grad_clip" in point:
        nn.utils.clip_grad_norm_(current_param_container.parameters(), point["grad_clip"])
    factor = learning_rate_factor(global_step, workload.step_hint, point)
    optimizer.param_groups[0]["lr"] = point["learning_rate"] * factor
    optimizer.step()
    return optimizer_state, current_param_container, model_state


def learning_rate_factor(step: int, step_hint: int, point: dict[str, Any]) -> float:
    """Linear from 0 to 1 over the warm-up, linear to `end_factor`, then level."""
    warmup_steps = int(point["warmup_factor"] * step_hint)
    decay_steps = int((step_hint - warmup_steps) * point["decay_steps_factor"])
    end = warmup_steps + max(decay_steps, 1)
    return warmup_linear(step, warmup_steps, end, point["end_factor"])
