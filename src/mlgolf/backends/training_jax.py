"""What every submission in JAX needs besides `training.py`: gradients, clipping, schedules, a step.

All but the step, which is compiled, can be traced, so it may stand inside one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from mlgolf.backends.training import WARMUP, mean_loss
from mlgolf.core import spec

Number = jax.Array | float


def gradients(
    workload: spec.Workload, params: spec.ParameterContainer, model_state: spec.ModelAuxiliaryState,
    batch: dict[str, jax.Array], rng: spec.RandomState, point: Mapping[str, Any], *,
    max_norm: float | None = None,
) -> tuple[jax.Array, spec.ParameterContainer, spec.ModelAuxiliaryState]:
    """(mean loss, its gradients, model state) of a batch; see `mean_loss` for the arguments.

    Args: max_norm: the largest joint norm of the gradients, by `clip_by_global_norm`; None: any.
    Returns: gradients as a tree like `params`.
    """

    def loss(params: spec.ParameterContainer) -> tuple[jax.Array, spec.ModelAuxiliaryState]:
        return mean_loss(workload, params, model_state, batch, rng, point)

    (value, after), tree = jax.value_and_grad(loss, has_aux=True)(params)
    return value, tree if max_norm is None else clip_by_global_norm(tree, max_norm), after


def compiled_step(
    workload: spec.Workload, optimizer: optax.GradientTransformation, point: Mapping[str, Any]
) -> Callable[..., Any]:
    """(state, params, model_state, batch, rng) -> (state, params, model_state), one function.

    The first three are given up to it, so that their memory is used again. Gradients are clipped to
    a joint norm of `grad_clip` where the point has one.
    """
    largest = point.get("grad_clip")

    def step(state, params, model_state, batch, rng):
        _, tree, model_state = gradients(
            workload, params, model_state, batch, rng, point, max_norm=largest
        )
        updates, state = optimizer.update(tree, state, params)
        return state, optax.apply_updates(params, updates), model_state

    return jax.jit(step, donate_argnums=(0, 1, 2))


def clip_by_global_norm(gradients: Any, max_norm: float) -> Any:
    """A tree of gradients, scaled so that its joint Euclidean norm is at most `max_norm`."""
    norm = jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(gradients)))
    factor = jnp.minimum(max_norm / (norm + 1e-6), 1.0)
    return jax.tree.map(lambda gradient: gradient * factor, gradients)


def warmup_cosine(done: Number, warmup: float = WARMUP, end: float = 1.0) -> jax.Array:
    """What the peak learning rate is multiplied by: linear from 0 to 1, half a cosine to 0, and 0.

    Args: done, warmup, end: what is done, where the warm-up ends and where the cosine does, either
      in steps or in shares of the step hint; 0 <= warmup < end.
    """
    return _warmed_up(done, warmup, (1 + jnp.cos(jnp.pi * _decayed(done, warmup, end))) / 2)


def warmup_linear(
    done: Number, warmup: float = WARMUP, end: float = 1.0, end_factor: float = 0.0
) -> jax.Array:
    """Linear from 0 to 1, linear to `end_factor`, and level. Arguments as of `warmup_cosine`."""
    return _warmed_up(done, warmup, 1 - (1 - end_factor) * _decayed(done, warmup, end))


def _warmed_up(done: Number, warmup: float, factor: jax.Array) -> jax.Array:
    return jnp.where(done < warmup, jnp.divide(done, warmup), factor)


def _decayed(done: Number, warmup: float, end: float) -> jax.Array:
    """Share of the decay that is done."""
    return jnp.clip((done - warmup) / (end - warmup), 0.0, 1.0)
