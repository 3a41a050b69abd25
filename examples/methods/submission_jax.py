"""NadamW with speed-up methods that are chosen by name, in JAX. The twin of submission_torch.py.

What a step computes depends on few settings (which layers are frozen, how labels are smoothed), so
there is one compiled step for each, made when it is first needed.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import optax

from mlgolf.algorithms.nadamw.submission_jax import nadamw
from mlgolf.core import spec
from mlgolf.jax import chosen_point, get_batch_size, gradients
from mlgolf.methods import (
    METHODS,
    LayerFreezing,
    Methods,
    SelectiveBackprop,
    from_point,
    numpy_generator,
    selected,
)
from mlgolf.methods.layer_freezing_jax import Layer, held, layers_of, stopped
from mlgolf.methods.losses_jax import example_losses
from mlgolf.methods.switched_workload import SwitchedWorkload
from mlgolf.methods.switches_jax import switched_workload
from mlgolf.methods.weight_averaging import WeightAveraging
from mlgolf.methods.weight_averaging_jax import Averages

__all__ = [
    "data_selection",
    "get_batch_size",
    "init_optimizer_state",
    "prepare_for_eval",
    "update_params",
]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())

# Without what needs a small model, and what JAX does anyway: it compiles, and chooses the layout.
SERVED = METHODS.keys() - {
    "small_model_selection", "growing", "distillation", "channels_last", "compile",
}  # fmt: skip


@dataclass
class State:
    """`trained` are the parameters and the model state that train.

    After an evaluation the harness holds their average instead.
    """

    point: dict[str, Any]
    methods: Methods
    workload: Any  # with the switches on
    optimizer: optax.GradientTransformation
    moments: optax.OptState
    trained: tuple[Any, Any]
    losses: Callable[..., jax.Array]
    averages: Averages | None
    batches: Iterator[Any] | None = None
    progress: float = 0.0
    layers: list[Layer] | None = None
    steps: dict[Any, Callable[..., Any]] = field(default_factory=dict)


def init_optimizer_state(
    workload: spec.Workload, model_params: spec.ParameterContainer,
    model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters,
    rng: spec.RandomState,
) -> State:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    methods = from_point(point, workload, SERVED)
    switched, optimizer = switched_workload(methods, workload), nadamw(point, workload.step_hint)
    averaging = methods.get(WeightAveraging)
    return State(
        point=point, methods=methods, workload=switched, optimizer=optimizer,
        moments=jax.jit(optimizer.init)(model_params), trained=(model_params, model_state),
        losses=example_losses(switched),
        averages=None if averaging is None else Averages(averaging),
    )


def data_selection(
    workload: spec.Workload, input_queue: Iterator[dict[str, Any]], optimizer_state: State,
    current_param_container: spec.ParameterContainer, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, global_step: int, rng: spec.RandomState,
) -> Any:
    """The next batch: echoed, of the examples that were chosen, transformed."""
    state, generator = optimizer_state, numpy_generator(rng)
    state.progress = progress = global_step / workload.step_hint
    if state.batches is None:
        state.batches = state.methods.stream(input_queue, generator, lambda: state.progress)
    batch = next(state.batches)
    if selection := state.methods.get(SelectiveBackprop):
        batch = selected(
            selection, batch, lambda preview: state.losses(*state.trained, preview, rng),
            generator, progress, global_step,
        )
    return state.methods.transform(batch, generator, progress)


def update_params(
    workload: spec.Workload, current_param_container: spec.ParameterContainer,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, Any], loss_type: spec.LossType,
    optimizer_state: State, eval_results: list[tuple[int, dict[str, float]]],
    global_step: int, rng: spec.RandomState, train_state: Any = None,
) -> spec.UpdateReturn:
    state, progress = optimizer_state, global_step / workload.step_hint
    frozen: tuple[Layer, ...] = ()
    if freezing := state.methods.get(LayerFreezing):
        state.layers = state.layers or order_of_layers(workload, state, batch, rng)
        frozen = freezing.frozen(state.layers, progress)
    point = state.methods.point(state.point, progress)
    key = frozen, point.get("label_smoothing")
    if key not in state.steps:
        state.steps[key] = training_step(state.workload, state.optimizer, point, frozen)
    state.moments, params, model_state = state.steps[key](state.moments, *state.trained, batch, rng)
    state.trained = params, model_state
    if state.averages:
        state.averages.update(state.trained, global_step + 1, progress)
    return state, params, model_state


def prepare_for_eval(
    workload: spec.Workload, current_param_container: spec.ParameterContainer,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, loss_type: spec.LossType, optimizer_state: State,
    eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
) -> spec.UpdateReturn:
    """The average, where there is one; the next update goes on with `state.trained`."""
    state = optimizer_state
    if state.averages is None:
        return state, *state.trained
    return state, *state.averages.evaluated(state.trained, global_step / workload.step_hint)


def training_step(
    workload: Any, optimizer: optax.GradientTransformation, point: dict[str, Any],
    frozen: tuple[Layer, ...],
) -> Callable[..., Any]:
    """(moments, params, model_state, batch, rng) -> (moments, params, model_state), compiled.

    `mlgolf.jax.compiled_step`, with layers that stand still.
    """

    def forward(params: Any, **named: Any) -> Any:
        return workload.model_fn(params=stopped(params, frozen), **named)

    still = SwitchedWorkload(workload, forward) if frozen else workload

    def step(moments, params, model_state, batch, rng):
        _, tree, model_state = gradients(
            still, params, model_state, batch, rng, point, max_norm=point.get("grad_clip")
        )
        updates, moments = optimizer.update(tree, moments, params)
        return moments, optax.apply_updates(params, held(updates, frozen)), model_state

    return jax.jit(step, donate_argnums=(0, 1, 2))


def order_of_layers(workload: spec.Workload, state: State, batch: Any, rng: Any) -> list[Layer]:
    """Layers as the forward pass meets them."""
    params, model_state = state.trained
    losses = example_losses(workload)
    return layers_of(lambda params: losses(params, model_state, batch, rng), params)
