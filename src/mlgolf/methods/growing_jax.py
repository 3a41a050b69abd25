"""Growing dense layers in JAX: dicts of `kernel` (inputs, outputs) and `bias`. See growing.py."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from mlgolf.methods.growing import copies, noise_like

Dense = Mapping[str, Any]


def widened(
    first: Dense, second: Dense, width: int, rng: np.random.Generator, noise: float = 0.0
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Two layers that follow one another, with `width` units between; the same function.

    Args: noise: see `Growing`; 0 is exact. Only an elementwise activation may stand between them.
    Raises: MethodError if they would shrink.
    """
    old = first["kernel"].shape[1]
    sources, shares = copies(old, width, rng)
    leaving = second["kernel"][sources] * shares[:, None].astype(np.float32)
    leaving += noise_like(np.asarray(leaving).T, noise, old, rng).T.astype(np.float32)
    # The last axis of a kernel and of a bias is that of the outputs.
    entering = {name: array[..., sources] for name, array in first.items()}
    return entering, {**second, "kernel": leaving}


def deepened(layer: Dense) -> dict[str, Array]:
    """A layer to stand behind this one and its ReLU: the identity."""
    width = layer["kernel"].shape[1]
    bias = {"bias": jnp.zeros(width)} if "bias" in layer else {}
    return {"kernel": jnp.eye(width), **bias}
