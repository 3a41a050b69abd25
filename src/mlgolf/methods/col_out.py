"""ColOut: drop whole rows and columns at random, so that the image shrinks; cut squares out late.

Source: MosaicML Composer, method card "ColOut"; no paper. A batch loses the same rows and columns
in all its images, so that it stays an array.
Claim: the accuracy of ResNets changes by -0.2% (ImageNet) to -1% (CIFAR-10) for fewer pixels, which
is a gain on the curve of time and quality.
Relieves: compute; a step sees (1 - p_row)(1 - p_col) of the pixels, 0.72 with the defaults, so it
is at most 1.38 times as fast. Loads: nothing, where it is done on the device.
Ours: the published method drops to the end. Here it hands over to ordinary cutout at `end`, since
evaluation sees whole images; `end=1` is the published one.
"""

from dataclasses import dataclass, field

import numpy as np

from mlgolf.core.arrays import Batch, IntArray
from mlgolf.methods.arrays import arrays_of, images_of
from mlgolf.methods.cutout import Cutout
from mlgolf.methods.protocol import Transform
from mlgolf.methods.schedules import rounded_size


@dataclass(frozen=True, slots=True, kw_only=True)
class ColOut(Transform):
    """Knobs: the shares of rows and columns that are dropped; what follows, if anything."""

    name = "colout"
    relieves = ("compute",)

    end: float = 0.8
    p_row: float = 0.15
    p_col: float = 0.15
    multiple: int = 1  # of which the sizes are; they are two in all, one dropped and one whole
    then: Cutout | None = field(default_factory=Cutout)

    def check(self) -> None:
        for knob in ("p_row", "p_col"):
            self.require(knob, 0 <= getattr(self, knob) < 1, "a share of at least 0, below 1")
        self.require("multiple", self.multiple >= 1, "at least 1 pixel")

    def at(self, progress: float) -> tuple[float, float]:
        """Shares of rows and of columns that are dropped."""
        return (self.p_row, self.p_col) if self.is_active(progress) else (0.0, 0.0)

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        """`inputs` (B, C, H, W) become (B, C, H', W'), in which what is kept stays in order."""
        if not self.is_active(progress):
            if self.then is None or progress < self.end:
                return batch
            return self.then.transform(batch, rng, progress)
        images = images_of(batch, self.name)
        arrays = arrays_of(images)
        for axis, dropped in zip((2, 3), self.at(progress), strict=True):
            kept = kept_places(images.shape[axis], dropped, self.multiple, rng)
            if len(kept) < images.shape[axis]:
                images = arrays.take(images, kept, axis)
        return {**batch, "inputs": images}


def kept_places(
    size: int, dropped: float, multiple: int, rng: np.random.Generator
) -> IntArray:
    """Which rows, or columns, are kept, ascending; how many depends on the arguments alone."""
    count = rounded_size(size, 1 - dropped, multiple)
    return np.sort(rng.permutation(size)[:count])
