"""Cutout: one square of each image is set to 0, at a place drawn for each.

Source: DeVries and Taylor (2017), arXiv:1708.04552.
Claim: lower test error on CIFAR and SVHN, together with other augmentation; later work finds little
where the recipe is tuned (Composer's method card).
Relieves: nothing: the image keeps its size. Loads: next to nothing.
"""

from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.methods.arrays import arrays_of, images_of
from mlgolf.methods.protocol import Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout(Transform):
    """The centre is uniform over the image, so part of the square may lie outside."""

    name = "cutout"

    length: float = 0.5  # of the square, as a share of each side

    def check(self) -> None:
        self.require("length", 0 <= self.length <= 1, "a share of the side, from 0 to 1")

    def at(self, progress: float) -> float:
        """The length of the square, as a share of the side."""
        return self.length if self.is_active(progress) else 0.0

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        length = self.at(progress)
        if length == 0:
            return batch
        images = images_of(batch, self.name)
        count, _, *sides = images.shape
        height, width = (max(1, round(length * side)) for side in sides)
        tops = rng.integers(sides[0], size=count) - height // 2
        lefts = rng.integers(sides[1], size=count) - width // 2
        blanked = arrays_of(images).blanked(images, tops, lefts, height, width)
        return {**batch, "inputs": blanked}
