"""Progressive resizing: train on small images first, on whole ones last.

Source: Howard's entry to DAWNBench (2018) and MosaicML Composer, method card "Progressive
Resizing"; Tan and Le (2021), arXiv:2104.00298, join it with stronger regularisation for larger
images.
Claim: a gain on the curve of time and quality for ResNets.
Relieves: compute early. Cost grows with the square of the scale: with the defaults the mean is 0.5,
so training is at most twice as fast. Loads: the input pipeline early, as steps are shorter, and
compilation, once for each size.
Ours: the sizes are at most `levels` + 1; the published ramp goes through all multiples of 4.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.methods.arrays import arrays_of, images_of
from mlgolf.methods.protocol import Transform
from mlgolf.methods.schedules import in_steps, ramp, rounded_size


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressiveResizing(Transform):
    """The first scale up to `delay`, then up in steps, whole images for the last `finetune`."""

    name = "progressive_resizing"
    relieves = ("compute",)
    loads = ("input",)

    initial_scale: float = 0.5  # of each side
    delay: float = 0.5  # share of training at the first scale
    finetune: float = 0.2  # share of training at full size, at the end
    multiple: int = 4  # of which each side is, in pixels
    levels: int = 8  # sizes below the full one
    mode: Literal["resize", "crop"] = "resize"  # crop for images without a subject to lose

    def check(self) -> None:
        self.require("initial_scale", 0 < self.initial_scale <= 1, "a share above 0, at most 1")
        self.require("delay", 0 <= self.delay <= 1, "a share of training")
        self.require(
            "finetune", 0 <= self.finetune <= 1 - self.delay,
            f"a share of training, at most what delay={self.delay} leaves",
        )
        self.require("multiple", self.multiple >= 1, "at least 1 pixel")
        self.require("levels", self.levels >= 1, "at least 1")
        self.require("mode", self.mode in ("resize", "crop"), '"resize" or "crop"')

    def at(self, progress: float) -> float:
        """The scale of each side."""
        if not self.is_active(progress):
            return 1.0
        grown = in_steps(ramp(progress, self.delay, 1 - self.finetune), self.levels)
        return self.initial_scale + (1 - self.initial_scale) * grown

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        scale = self.at(progress)
        if scale == 1:
            return batch
        if self.mode == "resize":
            return resized(batch, scale, self.multiple, self.name)
        images = images_of(batch, self.name)
        for axis in (2, 3):
            size = images.shape[axis]
            side = rounded_size(size, scale, self.multiple)
            first = int(rng.integers(size - side + 1))
            images = arrays_of(images).take(images, np.arange(first, first + side), axis)
        return {**batch, "inputs": images}


def resized(batch: Batch, scale: float, multiple: int, name: str) -> Batch:
    """The batch with smaller images; `name` is the method's, for messages."""
    images = images_of(batch, name)
    height, width = (rounded_size(side, scale, multiple) for side in images.shape[2:])
    if (height, width) == tuple(images.shape[2:]):
        return batch
    return {**batch, "inputs": arrays_of(images).resized(images, height, width)}
