"""How much results vary from seed to seed, in quality and in time.

A run that took longer by chance is not better by that. Where training for longer gave it a better
quality, too, it only moved along its curve; where its machine was slow, it gained nothing. Which of
both it was is estimated: `along`, 1 and 0, is the share of a longer time's gain that runs show. It
may come out below 0: were it cut off there, variances would be too small on average.

Variances are pooled over the budgets of all that is compared, since three seeds alone say little
(where budgets vary differently, after they were made alike: budget_noise.py); where a method's
differ from the baseline's beyond chance (F test), each keeps its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from mlgolf.analysis.curves.measurements import Point
from mlgolf.core.arrays import FloatArray

APART = 0.05  # level of the test by which variances are told apart


@dataclass(frozen=True)
class Noise:
    """Of a single run, around the mean of its seeds."""

    quality: float  # variance, at equal time, where a budget's relative noise is 1
    log_time: float  # variance
    along: float
    degrees: int  # of freedom; 0 where every budget has one run

    def variance(self, slope: FloatArray, relative_noise: FloatArray | float) -> FloatArray:
        """Of the distance from a curve that rises by `slope` per unit of log time."""
        of_quality = self.quality * np.square(relative_noise)
        return of_quality + self.log_time * np.square((1 - self.along) * slope)


@dataclass(frozen=True)
class Sloped:
    """Points, and how much quality grows per unit of log time at each of them."""

    points: Sequence[Point]
    slopes: FloatArray

    def scatter(self, sign: float) -> FloatArray:
        """(3, runs): deviations of quality, of log time, and the gain that the latter would give.

        Qualities and gains are those of a budget whose relative noise is 1.

        Args: sign: -1 for a quality of which smaller is better.
        """
        parts = [np.zeros((3, 0))]
        for point, slope in zip(self.points, self.slopes, strict=True):
            if point.runs > 1:
                quality, log_time = sign * point.qualities, np.log(point.times)
                late = log_time - log_time.mean()
                alike = 1 / point.relative_noise
                parts.append(
                    np.stack([alike * (quality - quality.mean()), late, alike * slope * late])
                )
        return np.concatenate(parts, axis=1)

    @property
    def degrees(self) -> int:
        return sum(point.runs - 1 for point in self.points)


def pooled(groups: Sequence[Sloped], sign: float) -> Noise:
    degrees = sum(group.degrees for group in groups)
    quality, late, gain = np.concatenate([group.scatter(sign) for group in groups], axis=1)
    along = float(quality @ gain / total) if (total := float(gain @ gain)) > 0 else 0.0
    along = min(along, 1.0)
    left = quality - along * gain
    return Noise(
        quality=float(left @ left) / max(degrees, 1), log_time=float(late @ late) / max(degrees, 1),
        along=along, degrees=degrees,
    )


def together_or_apart(baseline: Sloped, method: Sloped, sign: float) -> tuple[Noise, Noise]:
    """The noise of the baseline and of a method: one for both, unless they differ."""
    theirs, ours = pooled([baseline], sign), pooled([method], sign)
    if _differ(theirs, ours):
        return theirs, ours
    both = pooled([baseline, method], sign)
    return both, both


def _differ(one: Noise, other: Noise) -> bool:
    if min(one.degrees, other.degrees) < 2:
        return False
    if min(one.quality, other.quality) == 0:
        return max(one.quality, other.quality) > 0
    below = special.fdtr(one.degrees, other.degrees, one.quality / other.quality)
    return bool(2 * min(below, 1 - below) < APART)
