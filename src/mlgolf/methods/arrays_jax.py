"""The operations of `arrays.py` in JAX, each compiled once per shape.

Random places and shares are arguments, so new ones compile nothing.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from mlgolf.core.arrays import IntArray


@partial(jax.jit, static_argnums=2)
def take(array: Array, indices: Any, axis: int) -> Array:
    return jnp.take(array, indices, axis=axis, mode="clip")


@partial(jax.jit, static_argnums=(1, 2))
def resized(images: Array, height: int, width: int) -> Array:
    return jax.image.resize(images, (*images.shape[:2], height, width), "linear", antialias=True)


@partial(jax.jit, static_argnums=(3, 4))
def blanked(images: Array, tops: IntArray, lefts: IntArray, height: int, width: int) -> Array:
    rows = _inside(images.shape[2], tops, height)
    columns = _inside(images.shape[3], lefts, width)
    return jnp.where((rows[:, :, None] & columns[:, None, :])[:, None], 0, images)


def _inside(size: int, starts: Any, length: int) -> Array:
    """(B, size), whether a place lies in the interval of each image."""
    offsets = jnp.arange(size) - starts[:, None]
    return (offsets >= 0) & (offsets < length)


@jax.jit
def blended(array: Array, partners: IntArray, share: float) -> Array:
    return share * array + (1 - share) * array[partners]


@partial(jax.jit, static_argnums=1)
def one_hot(labels: Array, classes: int) -> Array:
    return jax.nn.one_hot(labels, classes, dtype=jnp.float32)


def is_integer(array: Array) -> bool:
    return not jnp.issubdtype(array.dtype, jnp.inexact)


@partial(jax.jit, static_argnums=(2, 3))
def highest(scores: Array, noise: NDArray[np.float32], power: float, count: int) -> Array:
    ranks = scores.argsort().argsort()
    shares = (ranks + 0.5) / len(scores)
    noisy = power * jnp.log(shares) + noise
    return jnp.sort(jax.lax.top_k(noisy, count)[1])
