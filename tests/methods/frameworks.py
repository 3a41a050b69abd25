"""Arrays of both frameworks from numpy's, for tests that hold for each."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

AS_ARRAY = {"torch": torch.from_numpy, "jax": jnp.asarray}

in_both = pytest.mark.parametrize(
    "as_array", [pytest.param(function, id=name) for name, function in AS_ARRAY.items()]
)


def rng(seed=0):
    return np.random.default_rng(seed)


def images(count=3, height=20, width=12):
    """Every pixel differs from every other."""
    pixels = np.arange(count * 2 * height * width, dtype=np.float32)
    return 1 + pixels.reshape(count, 2, height, width)


def image_batch(as_array, **shape):
    pixels = images(**shape)
    labels = np.arange(len(pixels)) % 3
    return {"inputs": as_array(pixels), "targets": as_array(labels)}


def tokens(as_array, rows=2, length=64):
    values = np.arange(rows * (length + 1), dtype=np.int32).reshape(rows, length + 1)
    return {"inputs": as_array(values[:, :-1].copy()), "targets": as_array(values[:, 1:].copy())}


def numpy_of(batch):
    return {name: np.asarray(array) for name, array in batch.items()}
