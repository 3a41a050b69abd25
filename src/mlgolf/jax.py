"""A submission from an optax optimizer, in five lines:

import optax
from mlgolf.jax import from_optimizer

submission = from_optimizer(optax.adamw, search_space={
    "learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},
    "weight_decay": {"feasible_points": [0.01, 0.1]}})
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mlgolf.backends.short_form import (
    WARMUP,
    Schedule,
    ShortForm,
    arguments_of,
    chosen_schedule,
    values,
)
from mlgolf.core import spec
from mlgolf.core.errors import SubmissionError

RATE = "learning_rate"


def from_optimizer(
    optimizer: Callable[..., optax.GradientTransformation],
    *,
    search_space: dict[str, Any] | list[dict[str, Any]] | None = None,
    schedule: str | Schedule = "warmup_cosine",
    batch_size: int | None = None,
) -> "JaxSubmission":
    """A submission that trains every workload with `optimizer`.

    Args:
      optimizer: a function such as optax.adamw, whose `learning_rate` may be a schedule; with
        functools.partial some of its arguments can be fixed.
      search_space: in AlgoPerf's form. Its keys are arguments of the optimizer, which get the
        value of the point, or dropout_rate, or label_smoothing. In self-tuning, where there is
        no point, the optimizer's own defaults hold; optax has none for the learning rate, so fix
        one: functools.partial(optax.adamw, learning_rate=1e-3).
      schedule: what the learning rate is multiplied by: "warmup_cosine" (5% of the workload's
        step hint up from 0, then a cosine to 0), "constant", or a function of the share of the
        step hint that is done: 0.0 at the first update, 1.0 and more from the step hint on. JAX
        traces it, so it is written with jax.numpy.
      batch_size: global and meant for full size; None: that of the workload's published baseline.
    Raises: SearchSpaceError for a key that nothing takes; UnknownName for a schedule;
      SubmissionError for an optimizer without a learning rate.
    """
    names = arguments_of(optimizer)
    if RATE not in names:
        raise SubmissionError(f"{optimizer} has no argument {RATE}: no schedule can act on it.")
    chosen = chosen_schedule(schedule, SCHEDULES)
    return JaxSubmission(
        optimizer, {name: name for name in names}, search_space, chosen, batch_size
    )


class JaxSubmission(ShortForm):
    """AlgoPerf's five functions around one optimizer."""

    def init_optimizer_state(
        self,
        workload: spec.Workload,
        model_params: spec.ParameterContainer,
        model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters,
        rng: spec.RandomState,
    ) -> tuple[optax.OptState, Callable[..., Any]]:
        """(state of the optimizer, the compiled training step).

        Raises: SubmissionError if neither the point nor the optimizer has a learning rate.
        """
        arguments = self.optimizer_arguments(hyperparameters)
        default = arguments_of(self.optimizer)[RATE].default
        peak = arguments.get(RATE, default)
        if not isinstance(peak, int | float):
            raise SubmissionError(
                f"{RATE} is {peak}, and must be a number: put it into the search space, or fix it "
                f"with functools.partial(..., {RATE}=1e-3), and shape it with schedule=."
            )
        arguments[RATE] = lambda count: peak * self.schedule(count / workload.step_hint)
        optimizer = self.optimizer(**arguments)
        step = training_step(workload, optimizer, values(hyperparameters))
        return initial_state(optimizer, model_params), step

    def update_params(
        self,
        workload: spec.Workload,
        current_param_container: spec.ParameterContainer,
        current_params_types: spec.ParameterTypeTree,
        model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters,
        batch: dict[str, jax.Array],
        loss_type: spec.LossType,
        optimizer_state: tuple[optax.OptState, Callable[..., Any]],
        eval_results: list[tuple[int, dict[str, float]]],
        global_step: int,
        rng: spec.RandomState,
        train_state: Any = None,
    ) -> spec.UpdateReturn:
        state, step = optimizer_state
        state, params, model_state = step(state, current_param_container, model_state, batch, rng)
        return (state, step), params, model_state


def initial_state(
    optimizer: optax.GradientTransformation, params: spec.ParameterContainer
) -> optax.OptState:
    """Copies throughout: some states hold the parameters, which the first step gives up."""
    return jax.jit(lambda params: jax.tree.map(jnp.copy, optimizer.init(params)))(params)


def training_step(
    workload: spec.Workload, optimizer: optax.GradientTransformation, point: dict[str, Any]
) -> Callable[..., Any]:
    """(state, params, model_state, batch, rng) -> (state, params, model_state).

    Compiled as one function; the first three are given up to it, so that memory is used again.
    """
    dropout = {"dropout_rate": point["dropout_rate"]} if "dropout_rate" in point else {}
    smoothing = point.get("label_smoothing", 0.0)

    def mean_loss(params, model_state, batch, rng):
        logits, model_state = workload.model_fn(
            params, batch, model_state, spec.ForwardPassMode.TRAIN, rng,
            update_batch_norm=True, **dropout,
        )  # fmt: skip
        loss = workload.loss_fn(
            batch["targets"], logits, batch.get("weights"), label_smoothing=smoothing
        )
        return loss["summed"] / loss["n_valid_examples"], model_state

    def step(state, params, model_state, batch, rng):
        gradients, model_state = jax.grad(mean_loss, has_aux=True)(params, model_state, batch, rng)
        updates, state = optimizer.update(gradients, state, params)
        return state, optax.apply_updates(params, updates), model_state

    return jax.jit(step, donate_argnums=(0, 1, 2))


def warmup_cosine(fraction: jax.Array) -> jax.Array:
    """Linear from 0 to 1 over the warm-up, then half a cosine to 0 at 1, and 0."""
    progress = jnp.clip((fraction - WARMUP) / (1 - WARMUP), 0.0, 1.0)
    return jnp.where(fraction < WARMUP, fraction / WARMUP, (1 + jnp.cos(jnp.pi * progress)) / 2)


def constant(fraction: jax.Array) -> float:
    return 1.0


SCHEDULES = {"warmup_cosine": warmup_cosine, "constant": constant}
