"""Whether a method beats the baseline's trade-off between quality and time, point by point.

A method that is faster and ends worse (or slower and better) is judged by the baseline at another
budget: the curve of the baseline gives the time in which it reaches the method's quality, and the
quality that it has at the method's time. The interval of that equivalent time holds every time at
which the baseline's quality cannot be told from the method's: it inverts a t test, so it needs no
resampling, is not symmetric, and is open towards an end that nothing was measured beyond.

Who trains at the budgets of the baseline ends a little before or after it, by the noise of time. A
point that lies beyond an end by no more than that is compared with the end itself; by how much the
baseline may change over the distance is one more error.
Source of the procedure: MosaicML (2021), mosaicml.com/blog/methodology; of the inversion: Fieller
(1954), doi:10.1111/j.2517-6161.1954.tb00159.x, who did it for a straight line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from mlgolf.analysis.curves.budget_noise import SAME_TIME
from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.analysis.curves.seed_noise import Noise, Sloped, together_or_apart
from mlgolf.analysis.curves.shared_state import INDEPENDENT, Shared, Spread, degrees_of_sum, spread
from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import FloatArray


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot_tell"
    OUTSIDE = "outside"  # of what was measured of the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One point of a method against the baseline's curve. NaN: beyond what was measured."""

    point: Point
    verdict: Verdict
    speedup: float  # time of the baseline for the same quality, over the method's
    speedup_interval: Interval
    quality_gain: float  # at the same time; above 0 is better, whatever the goal
    quality_gain_interval: Interval


class Judge:
    """Judges points by one baseline."""

    def __init__(
        self, curve: MonotoneCurve, baseline: Sequence[Point], confidence: float = CONFIDENCE,
        shared: Shared = INDEPENDENT,
    ) -> None:
        self._curve, self._baseline, self._confidence = curve, baseline, confidence
        self._shared = shared

    def judge(self, method: Sequence[Point]) -> list[Judged]:
        """Args: method: all points of one method, which tell how it varies."""
        theirs, ours = noises(self._curve, self._baseline, method)
        return [self._judged(point, theirs, ours) for point in method]

    def _judged(self, point: Point, theirs: Noise, ours: Noise) -> Judged:
        value = self._curve.sign * point.quality
        place = self._place(point, theirs, ours)
        tests = _Tests(
            self._curve, point, value, (theirs, ours), self._shared, self._confidence
        )
        equivalent, gain = self._curve.log_time_of(value), value - self._curve.at(place.log_time)
        gains = tests.gain_interval(place)
        if np.isnan(gain):
            told = _told(*tests.interval(), point.log_time, equivalent)
            is_outside = told is Verdict.CANNOT_TELL and np.isnan(equivalent)
            verdict = Verdict.OUTSIDE if is_outside else told
        else:
            beyond_doubt = np.sign(gain) * max(abs(gain) - place.doubt, 0.0)
            verdict = _told(*gains, 0.0, beyond_doubt)
        return Judged(
            point=point,
            verdict=verdict,
            speedup=float(np.exp(equivalent - point.log_time)),
            speedup_interval=_as_factors(tests.interval(), point.log_time),
            quality_gain=gain,
            quality_gain_interval=gains,
        )

    def _place(self, point: Point, theirs: Noise, ours: Noise) -> "_Place":
        first, last = self._curve.log_times[[0, -1]]
        if first <= point.log_time <= last:
            return _Place(point.log_time, 0.0)
        at: Literal[0, -1] = 0 if point.log_time < first else -1
        end = self._baseline[at]
        distance = abs(point.log_time - end.log_time)
        if distance > _reach(end, point, theirs, ours, self._confidence):
            return _Place(np.nan, np.nan)
        # Where runs that took longer gained nothing by it, the baseline would not have either.
        gained = min(max(theirs.along, ours.along, 0.0), 1.0) if theirs.degrees else 1.0
        return _Place(end.log_time, gained * self._curve.steepest_at_end(at) * distance)


class _Place(NamedTuple):
    """Where on the baseline's curve the time of a point is; NaN: beyond what was measured."""

    log_time: float
    doubt: float  # by how much the baseline may change from there to the point's time


def _reach(end: Point, point: Point, theirs: Noise, ours: Noise, confidence: float) -> float:
    """How far beyond an end, in log time, a point is still one of the same budget.

    As far as the noise of time explains; where both are called alike, as budgets of one name may.
    """
    if point.budget is not None and point.budget == end.budget:
        return float(np.log(SAME_TIME))
    variance = theirs.log_time / end.runs + ours.log_time / point.runs
    degrees = min(theirs.degrees, ours.degrees)
    explained = _limit(degrees, confidence) * np.sqrt(variance) if degrees else 0.0
    return float(min(explained, np.log(SAME_TIME)))


def noises(
    curve: MonotoneCurve, baseline: Sequence[Point], method: Sequence[Point]
) -> tuple[Noise, Noise]:
    """Of the baseline and of a method, which is taken to be the baseline at another speed."""
    values = curve.sign * np.array([point.quality for point in method])
    return together_or_apart(
        Sloped(baseline, curve.node_slopes), Sloped(method, curve.slopes_where(values)),
        curve.sign,
    )


def half_widths(
    curve: MonotoneCurve, noise: Noise, confidence: float = CONFIDENCE, shared: Shared = INDEPENDENT
) -> FloatArray:
    """(cells + 1,): of the interval around the curve at each time; NaN where seeds are missing."""
    if noise.degrees == 0:
        return np.full_like(curve.grid, np.nan)
    own = _spread(curve, noise, shared)
    degrees = degrees_of_sum((own, _nothing_like(own)), (noise, noise), shared)
    return _limit(degrees, confidence) * np.sqrt(own.variance + _squared_doubt(curve))


def _spread(curve: MonotoneCurve, noise: Noise, shared: Shared) -> Spread:
    """(cells + 1,): of the curve at each time."""
    of_nodes = noise.variance(curve.node_slopes, curve.relative_noise) / curve.runs
    return spread(curve.weights, of_nodes, shared)


def _nothing_like(other: Spread) -> Spread:
    return Spread(*map(np.zeros_like, other))


def _squared_doubt(curve: MonotoneCurve) -> FloatArray:
    """(cells + 1,): of the interpolation, which no seeds make smaller; 0 at the budgets."""
    return np.square(curve.smoother_on_grid - curve.on_grid)


def _limit(degrees: FloatArray | float, confidence: float) -> FloatArray:
    return special.stdtrit(np.maximum(degrees, 1), (1 + confidence) / 2)  # Student's quantile


class _Tests:
    """The method's quality against the baseline's at every time of its grid."""

    def __init__(
        self, curve: MonotoneCurve, point: Point, value: float, noises: tuple[Noise, Noise],
        shared: Shared, confidence: float,
    ) -> None:
        """Args: noises: of the baseline, of the method."""
        self._curve, self._value = curve, value
        of_curve = _spread(curve, noises[0], shared)
        of_point = noises[1].variance(curve.slopes, point.relative_noise) / point.runs
        self._error = np.sqrt(of_curve.variance + of_point + _squared_doubt(curve))
        of_both = of_curve, Spread(of_point, np.zeros_like(of_point))
        self.degrees = degrees_of_sum(of_both, noises, shared)
        self._limit = _limit(self.degrees, confidence)

    @property
    def is_possible(self) -> bool:
        """Without a second seed anywhere, nothing is known of chance."""
        return bool(np.all(self.degrees > 0))

    def interval(self) -> Interval:
        """Of the log time at which the baseline is as good. Infinite where it is open."""
        if not self.is_possible:
            return self._bounds()
        grid, margin = self._curve.grid, self._limit * self._error
        above = self._value - self._curve.on_grid - margin  # > 0: the method is better there
        below = self._value - self._curve.on_grid + margin  # < 0: it is worse
        low = _first_crossing(grid, -above)
        high = -_first_crossing(-grid[::-1], below[::-1])
        return low, high

    def _bounds(self) -> Interval:
        """What one run each says of a quality beyond the curve; NaN of one on it."""
        ends, times = self._curve.values[[0, -1]], self._curve.log_times[[0, -1]]
        if self._value > ends[1]:
            return float(times[1]), np.inf
        return (-np.inf, float(times[0])) if self._value < ends[0] else (np.nan, np.nan)

    def gain_interval(self, place: _Place) -> Interval:
        """Of the quality gained over the baseline there; NaN beyond what was measured."""
        at = self._curve.at(place.log_time)
        if not self.is_possible or np.isnan(at):
            return np.nan, np.nan
        margin = self._limit * np.hypot(self._error, place.doubt)
        half = float(np.interp(place.log_time, self._curve.grid, margin))
        return self._value - at - half, self._value - at + half


def _first_crossing(grid: FloatArray, values: FloatArray) -> float:
    """Where values first become 0 or more: -inf if they begin so, the last of grid if never."""
    reached = np.flatnonzero(values >= 0)
    if len(reached) == 0:
        return float(grid[-1])
    after = int(reached[0])
    if after == 0:
        return -np.inf
    low, high = values[after - 1 : after + 1]
    share = -low / (high - low)
    return float(grid[after - 1] + share * (grid[after] - grid[after - 1]))


def _told(low: float, high: float, nothing: float, estimate: float) -> Verdict:
    """Args: nothing: the value of no difference. Without an interval the estimate decides."""
    if np.isnan(low):
        low = high = estimate
    if low > nothing:
        return Verdict.BETTER
    return Verdict.WORSE if high < nothing else Verdict.CANNOT_TELL


def _as_factors(interval: Interval, log_time: float) -> Interval:
    low, high = np.exp(np.array(interval) - log_time)
    return float(low), float(high)
