"""SGD with Nesterov momentum, linear warm-up and linear decay, in JAX."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mlgolf.core import spec
from mlgolf.jax import (
    chosen_point,
    compiled_step,
    data_selection,
    get_batch_size,
    warmup_linear,
)

__all__ = ["data_selection", "get_batch_size", "init_optimizer_state", "update_params"]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("self_tuning_point.json").read_text())


def init_optimizer_state(
    workload: spec.Workload, model_params: spec.ParameterContainer,
    model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters,
    rng: spec.RandomState,
) -> tuple[optax.OptState, Callable[..., Any]]:
    """(state of the optimizer, the compiled training step)."""
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = nesterov(point, workload.step_hint)
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


def nesterov(point: dict[str, Any], step_hint: int) -> optax.GradientTransformation:
    """The whole update, on all parameters as one vector: a small model has many small tensors."""
    update = optax.chain(
        optax.add_decayed_weights(point["weight_decay"]),  # before the momentum
        optax.trace(1 - point["one_minus_beta1"], nesterov=True),
        optax.scale_by_learning_rate(
            lambda step: point["learning_rate"]
            * learning_rate_factor(jnp.asarray(step), step_hint, point)
        ),
    )
    return optax.flatten(update)


def learning_rate_factor(
    step: jax.Array | float, step_hint: int, point: dict[str, Any]
) -> jax.Array:
    """Linear from 0 to 1 over the warm-up, linear to `end_factor`, then level."""
    warmup_steps = int(point["warmup_factor"] * step_hint)
    decay_steps = int((step_hint - warmup_steps) * point["decay_steps_factor"])
    end = warmup_steps + max(decay_steps, 1)
    return warmup_linear(step, warmup_steps, end, point["end_factor"])
