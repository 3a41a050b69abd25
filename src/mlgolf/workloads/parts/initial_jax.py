"""Initial values for flax, drawn by numpy: XLA compiles a generator anew for every parameter.

Each function makes an initializer, (key, shape, dtype) -> array, that is decided by its key and
works under `jit` and `eval_shape`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

Initializer = Callable[..., Array]


def normal(stddev: float) -> Initializer:
    def initial(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        shape = tuple(shape)

        def values(words: Any) -> NDArray:
            rng = np.random.default_rng(np.asarray(words))
            drawn = rng.standard_normal(shape, np.float32)
            drawn *= stddev
            return drawn.astype(dtype, copy=False)

        result = jax.ShapeDtypeStruct(shape, dtype)
        return jax.pure_callback(values, result, jax.random.key_data(key))

    return initial
