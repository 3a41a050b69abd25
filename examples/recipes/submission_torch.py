"""Recipes for image classification since 2012 in PyTorch: the point says which ideas are on.

    {"optimizer": "sgd" | "nadamw", "schedule": "step_decay" | "warmup_cosine",
     "methods": ["label_smoothing", "mixup", "progressive_resizing", "ema"], "learning_rate": …}

Batch norm and residuals are properties of the network: variants of the workload, which the rows of
recipes.toml play.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mlgolf.algorithms.nadamw.submission_torch import NadamW
from mlgolf.core import spec
from mlgolf.methods import Methods, from_point, numpy_generator
from mlgolf.methods.weight_averaging import EMA
from mlgolf.methods.weight_averaging_torch import Averages
from mlgolf.torch import chosen_point, get_batch_size, gradients, warmup_cosine

__all__ = [
    "data_selection",
    "get_batch_size",
    "init_optimizer_state",
    "prepare_for_eval",
    "update_params",
]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())
SERVED = ("label_smoothing", "mixup", "progressive_resizing", "ema")
# He et al. (2016), arXiv:1512.03385, on CIFAR-10: a tenth after half of training, and once more
# after three quarters.
DECAY, DECAYS_AT = 0.1, (0.5, 0.75)


@dataclass
class State:
    """`model` is the one that trains; after an evaluation the harness holds the average."""

    point: dict[str, Any]
    methods: Methods
    model: nn.Module
    parameters: list[nn.Parameter]
    optimizer: "SGD | NadamW"
    averages: Averages | None

    def progress(self, workload: spec.Workload, step: int) -> float:
        """Share of the schedule that is done; training ends at 1."""
        return step / (self.point["length"] * workload.step_hint)


class SGD:
    """With momentum, as Krizhevsky et al. (2012) had it."""

    def __init__(self, parameters: list[nn.Parameter], point: dict[str, Any]) -> None:
        self._optimizer = torch.optim.SGD(
            parameters, lr=0.0, momentum=point["sgd_momentum"],
            weight_decay=point["sgd_weight_decay"], foreach=True,
        )
        self._parameters = parameters

    def step(self, gradients: tuple[torch.Tensor, ...], learning_rate: float) -> None:
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        self._optimizer.param_groups[0]["lr"] = learning_rate
        self._optimizer.step()


def init_optimizer_state(
    workload: spec.Workload, model_params: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, rng: spec.RandomState,
) -> State:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    methods = from_point(point, workload, SERVED)
    averaging, parameters = methods.get(EMA), list(model_params.parameters())
    return State(
        point=point, methods=methods, model=model_params, parameters=parameters,
        optimizer=optimizer_of(parameters, point),
        averages=None if averaging is None else Averages(averaging, model_params),
    )


def optimizer_of(parameters: list[nn.Parameter], point: dict[str, Any]) -> SGD | NadamW:
    if point["optimizer"] == "sgd":
        return SGD(parameters, point)
    return NadamW(
        list(parameters), beta1=1 - point["one_minus_beta1"], beta2=point["beta2"],
        weight_decay=point["weight_decay"],
    )  # fmt: skip


def data_selection(
    workload: spec.Workload, input_queue: Iterator[dict[str, Any]], optimizer_state: State,
    current_param_container: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, global_step: int, rng: spec.RandomState,
) -> Any:
    """The next batch, resized and blended where that is on."""
    state = optimizer_state
    progress = state.progress(workload, global_step)
    return state.methods.transform(next(input_queue), numpy_generator(rng), progress)


def update_params(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, Any], loss_type: spec.LossType,
    optimizer_state: State, eval_results: list[tuple[int, dict[str, float]]],
    global_step: int, rng: spec.RandomState, train_state: Any = None,
) -> spec.UpdateReturn:
    state = optimizer_state
    progress = state.progress(workload, global_step)
    if progress >= 1:
        raise spec.TrainingCompleteError
    point = state.methods.point(state.point, progress)
    _, gradient, model_state = gradients(
        workload, state.model, model_state, batch, rng, point, tensors=state.parameters,
        max_norm=point.get("grad_clip"),
    )  # fmt: skip
    state.optimizer.step(gradient, point["learning_rate"] * learning_rate_factor(progress, point))
    if state.averages:
        state.averages.update(global_step + 1, progress)
    return state, state.model, model_state


def learning_rate_factor(progress: float, point: dict[str, Any]) -> float:
    """What the learning rate is multiplied by at a share of the schedule."""
    if point["schedule"] == "step_decay":
        return DECAY ** sum(progress >= at for at in DECAYS_AT)
    return warmup_cosine(progress, point["warmup_factor"])


def prepare_for_eval(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, loss_type: spec.LossType, optimizer_state: State,
    eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
) -> spec.UpdateReturn:
    """The average, where there is one; the next update goes on with `state.model`."""
    state = optimizer_state
    if state.averages is None:
        return state, state.model, model_state
    return state, state.averages.evaluated(state.progress(workload, global_step)), model_state
