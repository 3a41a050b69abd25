"""NadamW with speed-up methods that are chosen by name, in PyTorch.

The point lists them: {"methods": ["colout", "ema"], "ema__half_life": 200, "learning_rate": …}.
Each is asked where it acts: on batches in `data_selection`, on steps in `update_params`, on what is
evaluated in `prepare_for_eval`. Without methods this is the algorithm nadamw.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from mlgolf.algorithms.nadamw.submission_torch import NadamW, learning_rate_factor
from mlgolf.core import spec
from mlgolf.methods import (
    METHODS,
    LayerFreezing,
    Methods,
    SelectiveBackprop,
    from_point,
    numpy_generator,
    selected,
)
from mlgolf.methods.layer_freezing_torch import freeze, layers_of
from mlgolf.methods.losses_torch import example_losses
from mlgolf.methods.switches_torch import prepared_model, switched_workload
from mlgolf.methods.weight_averaging import WeightAveraging
from mlgolf.methods.weight_averaging_torch import Averages
from mlgolf.torch import chosen_point, get_batch_size, gradients

__all__ = [
    "data_selection",
    "get_batch_size",
    "init_optimizer_state",
    "prepare_for_eval",
    "update_params",
]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())

SERVED = METHODS.keys() - {"small_model_selection", "growing", "distillation"}  # need a small model


@dataclass
class State:
    """`model` is the one that trains; after an evaluation the harness holds the average."""

    point: dict[str, Any]
    methods: Methods
    workload: Any  # with the switches on
    model: nn.Module
    optimizer: NadamW
    averages: Averages | None
    frozen: tuple[str, ...] = ()
    batches: Iterator[Any] | None = None
    progress: float = 0.0
    layers: list[str] = field(default_factory=list)


def init_optimizer_state(
    workload: spec.Workload, model_params: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, rng: spec.RandomState,
) -> State:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    methods = from_point(point, workload, SERVED)
    model = prepared_model(methods, model_params)
    averaging = methods.get(WeightAveraging)
    return State(
        point=point, methods=methods, workload=switched_workload(methods, workload), model=model,
        optimizer=nadamw(list(model.parameters()), point),
        averages=None if averaging is None else Averages(averaging, model),
        layers=layers_of(model),
    )


def data_selection(
    workload: spec.Workload, input_queue: Iterator[dict[str, Any]], optimizer_state: State,
    current_param_container: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, global_step: int, rng: spec.RandomState,
) -> Any:
    """The next batch: echoed, of the examples that were chosen, transformed."""
    state, generator = optimizer_state, numpy_generator(rng)
    state.progress = progress = global_step / workload.step_hint
    if state.batches is None:
        state.batches = state.methods.stream(input_queue, generator, lambda: state.progress)
    batch = next(state.batches)
    if selection := state.methods.get(SelectiveBackprop):
        losses = example_losses(state.workload)
        batch = selected(
            selection, batch, lambda preview: losses(state.model, model_state, preview, rng),
            generator, progress, global_step,
        )
    return state.methods.transform(batch, generator, progress)


def update_params(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, Any], loss_type: spec.LossType,
    optimizer_state: State, eval_results: list[tuple[int, dict[str, float]]],
    global_step: int, rng: spec.RandomState, train_state: Any = None,
) -> spec.UpdateReturn:
    state, progress = optimizer_state, global_step / workload.step_hint
    point = state.methods.point(state.point, progress)
    if freezing := state.methods.get(LayerFreezing):
        freeze_layers(state, freezing.frozen(state.layers, progress))
    _, gradient, model_state = gradients(
        state.workload, state.model, model_state, batch, rng, point,
        tensors=state.optimizer.params, max_norm=point.get("grad_clip"),
    )  # fmt: skip
    factor = learning_rate_factor(global_step, workload.step_hint, point)
    state.optimizer.step(gradient, point["learning_rate"] * factor)
    if state.averages:
        state.averages.update(global_step + 1, progress)
    return state, state.model, model_state


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
    return state, state.averages.evaluated(global_step / workload.step_hint), model_state


def nadamw(parameters: list[Any], point: dict[str, Any]) -> NadamW:
    return NadamW(
        parameters, beta1=1 - point["one_minus_beta1"], beta2=point["beta2"],
        weight_decay=point["weight_decay"],
    )  # fmt: skip


def freeze_layers(state: State, layers: tuple[str, ...]) -> None:
    """Those layers leave the optimizer, whose moments of the others stay."""
    if layers == state.frozen:
        return
    kept = {id(parameter) for parameter in freeze(state.model, layers)}
    optimizer = state.optimizer
    places = [n for n, parameter in enumerate(optimizer.params) if id(parameter) in kept]
    for name in ("params", "first_moments", "second_moments"):
        tensors = getattr(optimizer, name)
        setattr(optimizer, name, [tensors[place] for place in places])
    state.frozen = layers
