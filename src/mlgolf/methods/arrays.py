"""Operations on batches that PyTorch and JAX spell differently, found by the type of an array.

Random numbers are drawn on the host by numpy and handed in, so both frameworks do the same.
"""

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, IntArray, map_arrays
from mlgolf.core.errors import MethodError


class Arrays(Protocol):
    """What `arrays_torch` and `arrays_jax` offer. Nothing is changed in place."""

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """Those parts of an axis, in the order of the indices."""
        ...

    def resized(self, images: Any, height: int, width: int) -> Any:
        """(B, C, H, W) to (B, C, height, width): bilinear, with low-pass where it shrinks."""
        ...

    def blanked(self, images: Any, tops: IntArray, lefts: IntArray, height: int, width: int) -> Any:
        """(B, C, H, W) with 0 in one box for each image; a box may reach over the edge.

        Args: tops, lefts: (B,), the first row and column of each box; they may be negative.
        """
        ...

    def blended(self, array: Any, partners: IntArray, share: float) -> Any:
        """share × each example + (1 - share) × its partner."""
        ...

    def one_hot(self, labels: Any, classes: int) -> Any:
        """(B,) integers to (B, classes) float32."""
        ...

    def is_integer(self, array: Any) -> bool: ...

    def highest(self, scores: Any, noise: NDArray[np.float32], power: float, count: int) -> Any:
        """Places of the `count` largest values of power × log(rank) + noise, ascending.

        Args: scores: (B,); the rank of each among them runs from 0.5 / B to 1 - 0.5 / B.
        """
        ...


def arrays_of(array: Any) -> Arrays:
    """Raises: MethodError for what is an array of neither framework."""
    home = type(array).__module__.partition(".")[0]
    module = {"torch": "arrays_torch", "jax": "arrays_jax", "jaxlib": "arrays_jax"}.get(home)
    if module is None:
        raise MethodError(
            f"found {type(array).__name__} where an array is expected; methods take tensors of "
            "torch and arrays of JAX. Convert with torch.from_numpy or jax.numpy.asarray."
        )
    return cast(Arrays, import_module(f"mlgolf.methods.{module}"))


def images_of(batch: Batch, name: str) -> Any:
    """`inputs`, (B, C, H, W). Raises: MethodError, in the name of a method, for anything else."""
    images = batch["inputs"]
    shape = getattr(images, "shape", None)
    if shape is None or len(shape) != 4:
        found = f"an array of shape {tuple(shape)}" if shape is not None else type(images).__name__
        raise MethodError(
            f"{name}: found {found} as inputs; it is for images, (B, C, H, W). Leave {name} out "
            "for this workload, or reshape its inputs."
        )
    return images


def subset(batch: Batch, places: Any) -> Batch:
    """Those examples of a batch. Raises: MethodError where its arrays have no common first axis."""
    lengths: set[int] = set()
    map_arrays(lambda array: lengths.add(len(array)), batch)
    if len(lengths) != 1:
        raise MethodError(
            f"found arrays of {sorted(lengths)} rows in one batch; examples are chosen only where "
            "every array has one row for each. Leave the selection out for this workload."
        )
    return map_arrays(lambda array: arrays_of(array).take(array, places, 0), batch)
