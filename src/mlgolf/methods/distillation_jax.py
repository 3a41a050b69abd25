"""The loss of distillation in JAX. See distillation.py."""

import jax
import jax.numpy as jnp
from jax import Array

from mlgolf.methods.distillation import Distillation


def distilled(
    method: Distillation, loss: Array, logits: Array, teacher_logits: Array, progress: float
) -> Array:
    """(1 - weight) × loss + weight × temperature² × KL(teacher || student), the mean over examples.

    Args: loss: of the labels, shape (). logits: (..., classes); no gradient enters the teacher's.
      progress: a number, not a traced one.
    """
    weight = method.at(progress)
    if weight == 0:
        return loss
    student = jax.nn.log_softmax(logits / method.temperature)
    teacher = jax.nn.log_softmax(jax.lax.stop_gradient(teacher_logits) / method.temperature)
    divergence = (jnp.exp(teacher) * (teacher - student)).sum(axis=-1).mean()
    return (1 - weight) * loss + weight * method.temperature**2 * divergence
