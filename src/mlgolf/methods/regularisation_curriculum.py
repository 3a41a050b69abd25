"""A curriculum of regularisation: cheap and weak first, strong late.

Source: after Tan and Le (2021), arXiv:2104.00298, section 4, who strengthen regularisation as
images grow. Which methods stand in which stage is ours.
Claim: theirs, of EfficientNetV2: faster training at equal or better accuracy than resizing alone.
None of this composition.
Relieves: compute in the first stages. Loads: compilation, once for each size of image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.methods.col_out import ColOut
from mlgolf.methods.cutout import Cutout
from mlgolf.methods.mixup import Mixup
from mlgolf.methods.progressive_resizing import ProgressiveResizing
from mlgolf.methods.protocol import Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The transforms that hold up to a share of training, in their order."""

    until: float
    transforms: Sequence[Transform]


def default_stages() -> tuple[Stage, ...]:
    """Half-size images; images that lose rows and columns; whole ones, blended and cut."""
    small = ProgressiveResizing(delay=1.0, finetune=0.0)
    shrunk = ColOut(end=1.0, then=None)
    return (
        Stage(until=0.4, transforms=(small,)),
        Stage(until=0.8, transforms=(shrunk,)),
        Stage(until=1.0, transforms=(Mixup(), Cutout())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularisationCurriculum(Transform):
    """Stages one after the other; the last goes on beyond the end."""

    name = "regularisation_curriculum"
    relieves = ("compute",)

    stages: Sequence[Stage] = default_stages()
    classes: int | None = None  # for Mixup, where the targets are integers

    def check(self) -> None:
        ends = [stage.until for stage in self.stages]
        rising = all(a < b for a, b in zip([0.0, *ends], ends, strict=False))
        self.require("stages", bool(ends) and rising, "one stage or more, of rising `until`")

    def at(self, progress: float) -> tuple[Transform, ...]:
        """The transforms that hold."""
        if not self.is_active(progress):
            return ()
        later = [stage for stage in self.stages if progress < stage.until]
        stage = later[0] if later else self.stages[-1]
        return tuple(map(self._with_classes, stage.transforms))

    def _with_classes(self, transform: Transform) -> Transform:
        if isinstance(transform, Mixup) and transform.classes is None:
            return replace(transform, classes=self.classes)
        return transform

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        for transform in self.at(progress):
            batch = transform.transform(batch, rng, progress)
        return batch
