"""Initial values for flax, drawn by numpy: XLA compiles a generator anew for every parameter.

Most functions make an initializer, (key, shape, dtype) -> array, that is decided by its key and
works under `jit` and `eval_shape`. `compiled_init` starts a whole module.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array
from jax.extend.random import define_prng_impl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray]
Initializer = Callable[..., Array]
# A normal distribution cut off at two standard deviations keeps this much of its own.
TRUNCATED_STDDEV = 0.87962566
ODD = 0x9E3779B9  # any odd number: times it, different words stay different


@lru_cache(maxsize=16)
def compiled_init(
    build: Callable[[Any], nn.Module], network: Hashable,
    *inputs: tuple[int, ...] | jax.ShapeDtypeStruct,
) -> Callable[[Array], Mapping[str, Any]]:
    """The `init` of `build(network)` for such inputs: a raw key, (2,) uint32 -> variables.

    Args: inputs: a shape, of float32, for each.

    Compiled once for equal networks. Threefry's keys for the parameters of ResNet-50 would take two
    seconds to compile; numpy mixes the bits of a key by itself, so each is made by a plain xor.
    """
    module = build(network)
    structs = [
        i if isinstance(i, jax.ShapeDtypeStruct) else jax.ShapeDtypeStruct(i, jnp.float32)
        for i in inputs
    ]

    def init(key: Array) -> Mapping[str, Any]:
        plain = jax.random.wrap_key_data(key, impl=_PLAIN_KEYS)
        zeros = (jnp.zeros(struct.shape, struct.dtype) for struct in structs)
        return cast(Mapping[str, Any], module.init(plain, *zeros))

    return jax.jit(init)


def _refused(*_: Any) -> Any:
    raise NotImplementedError("plain keys are for the initializers of initial_jax.py alone")


_PLAIN_KEYS = define_prng_impl(
    key_shape=(2,), seed=_refused, split=_refused, random_bits=_refused,
    fold_in=lambda key, word: key ^ jnp.stack([word, word * jnp.uint32(ODD)]), name="plain",
)  # fmt: skip


def uniform(scale: float) -> Initializer:
    """Even over [0, scale)."""
    return _drawn(lambda rng, shape: _uniform(rng, shape, 0.0, scale))


def normal(stddev: float) -> Initializer:
    return _drawn(lambda rng, shape: _normal(rng, shape, stddev))


def glorot_uniform() -> Initializer:
    """Even over ±sqrt(6 / (inputs + outputs))."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray:
        bound = math.sqrt(6 / sum(_fans(shape)))
        return _uniform(rng, shape, -bound, bound)

    return _drawn(draw)


def glorot_normal() -> Initializer:
    """Truncated normal with variance 2 / (inputs + outputs)."""
    return _drawn(lambda rng, shape: _truncated(rng, shape, math.sqrt(2 / sum(_fans(shape)))))


def lecun_normal() -> Initializer:
    """Truncated normal with variance 1 / inputs."""
    return _drawn(lambda rng, shape: _truncated(rng, shape, 1 / math.sqrt(_fans(shape)[0])))


def he_normal(scale: float = 1.0) -> Initializer:
    """Truncated normal with variance 2 / inputs, which ReLUs keep; multiplied by `scale`."""
    return _drawn(
        lambda rng, shape: scale * _truncated(rng, shape, math.sqrt(2 / _fans(shape)[0]))
    )


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    """Inputs and outputs of a kernel (*window, channels in, channels out)."""
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _uniform(
    rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float
) -> NDArray[np.float32]:
    values = rng.random(shape, np.float32)
    values *= high - low
    values += low
    return values


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], stddev: float
) -> NDArray[np.float32]:
    values = rng.standard_normal(shape, np.float32)
    values *= stddev
    return values


def _truncated(
    rng: np.random.Generator, shape: tuple[int, ...], stddev: float
) -> NDArray[np.float32]:
    """Normal, cut off at two of its standard deviations; `stddev` is what is left of one."""
    values = ndtri(_uniform(rng, shape, ndtr(-2), ndtr(2)))
    np.clip(values, -2, 2, out=values)  # rounding may lead beyond
    values *= stddev / TRUNCATED_STDDEV
    return values


def _drawn(draw: Draw) -> Initializer:
    def initial(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        shape = tuple(shape)

        def values(words: Any) -> NDArray:
            return draw(np.random.default_rng(np.asarray(words)), shape).astype(dtype, copy=False)

        result = jax.ShapeDtypeStruct(shape, dtype)
        return jax.pure_callback(values, result, jax.random.key_data(key))

    return initial
