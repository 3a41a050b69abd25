"""NadamW with linear warm-up and cosine decay, in JAX: a training step is one compiled function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from mlgolf.core import spec
from mlgolf.jax import chosen_point, compiled_step, data_selection, get_batch_size

__all__ = ["data_selection", "get_batch_size", "init_optimizer_state", "update_params"]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())


def init_optimizer_state(
    workload: spec.Workload, model_params: spec.ParameterContainer,
    model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters,
    rng: spec.RandomState,
) -> tuple[optax.OptState, Callable[..., Any]]:
    """(state of the optimizer, the compiled training step)."""
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = nadamw(point, workload.step_hint)
    return jax.jit(optimizer.init)(model_params), compiled_step(workload, optimizer, point)


def update_params(
    workload: spec.Workload, current_param_container: spec.ParameterContainer,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, jax.Array], loss_type: spec.LossType,
    optimizer_state: tuple[optax.OptState, Callable[..., Any]],
    eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
    train_state: Any = None,
) -> spec.UpdateReturn:
    state, step = optimizer_state
    state, params, model_state = step(state, current_param_container, model_state, batch, rng)
    return (state, step), params, model_state


def nadamw(point: dict[str, Any], step_hint: int) -> optax.GradientTransformation:
    """The whole update: NadamW, decay of all parameters, the schedule.

    It works on all parameters as one vector. A small model has many small tensors, and a kernel for
    each would take longer to compile and to start than to run.
    """
    warmup_steps = int(point["warmup_factor"] * step_hint)
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=point["learning_rate"],
        warmup_steps=warmup_steps,
        decay_steps=max(step_hint, warmup_steps + 1),  # counted from the start of the warm-up
    )
    update = optax.chain(
        scale_by_nadam(1 - point["one_minus_beta1"], point["beta2"]),
        optax.add_decayed_weights(point["weight_decay"]),
        optax.scale_by_learning_rate(schedule),
    )
    return optax.flatten(update)


class NadamState(NamedTuple):
    steps: jax.Array
    first_moments: Any
    second_moments: Any


def scale_by_nadam(
    beta1: float, beta2: float, epsilon: float = 1e-8
) -> optax.GradientTransformation:
    """See rule.py for the formula; optax.nadamw corrects the bias of the momentum differently."""

    def init(params):
        first, second = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
        return NadamState(jnp.zeros((), jnp.int32), first, second)

    def update(updates, state, params=None):
        steps = state.steps + 1
        first = blend(beta1, state.first_moments, updates)
        second = blend(beta2, state.second_moments, jax.tree.map(jnp.square, updates))

        def direction(ahead, square):
            scale = jnp.sqrt(square / (1 - beta2**steps)) + epsilon
            return ahead / (1 - beta1**steps) / scale

        directions = jax.tree.map(direction, blend(beta1, first, updates), second)
        return directions, NadamState(steps, first, second)

    return optax.GradientTransformation(init, update)


def blend(share: float, old: Any, new: Any) -> Any:
    """`share` of the old tree and the rest of the new one."""
    return jax.tree.map(lambda a, b: share * a + (1 - share) * b, old, new)
