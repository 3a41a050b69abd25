"""A whole curve against another: how much faster on average, and where the two cross.

The average is over the qualities that both reach, of the logarithm of the ratio of times. Each
doubling of the baseline's time counts alike: with equal weights for equal steps of quality the
beginning would outweigh all else, where losses fall fast and seeds differ most. Source of the
idea: Bjøntegaard (2001), VCEG-M33, whose average difference of bit rates compares video coders.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve, first_times
from mlgolf.analysis.curves.seed_noise import Noise
from mlgolf.analysis.curves.shared_state import INDEPENDENT, Shared, Spread, degrees_of_sum, spread
from mlgolf.analysis.curves.tradeoff import Judged, Verdict, noises
from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import FloatArray
from mlgolf.core.target import Goal

LEVELS = 200  # qualities at which times are compared
Reached = tuple[FloatArray, FloatArray]  # values of a curve, and the log time of each


class Crossing(NamedTuple):
    """Where the estimates of two curves cross: of two that are alike, chance crosses many times."""

    time: float
    quality: float
    beyond_chance: bool  # the next points told apart are better on the one side, worse on the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """NaN where the curves share no quality. Levels are qualities as measured."""

    method: str
    average_speedup: float
    interval: Interval
    verdict: Verdict
    shared: tuple[float, float]  # qualities, from the worst to the best that both reach
    crosses_at: tuple[Crossing, ...]


def compare(
    curve: MonotoneCurve, baseline: Sequence[Point], method: Sequence[Point], goal: Goal,
    confidence: float = CONFIDENCE, judged: Sequence[Judged] = (), shared: Shared = INDEPENDENT,
) -> Compared:
    """Args:
      curve: of the baseline.
      method: two points at least, from short to long.
      judged: the same points, by the baseline.
    """
    curves = [curve, MonotoneCurve(method, goal, curve.interpolation)]
    levels, gaps = _gaps(*(side.first_times for side in curves))
    mean = float(gaps.mean()) if len(gaps) else np.nan
    of_both = noises(curve, baseline, method)
    half = _half_width(curves, of_both, shared, confidence) if len(gaps) else np.nan
    low, high = mean - half, mean + half
    return Compared(
        method=method[0].method, average_speedup=float(np.exp(mean)),
        interval=(float(np.exp(low)), float(np.exp(high))), verdict=_verdict(mean, half),
        shared=_ends(-goal.sign * levels),
        crosses_at=tuple(_crossings(
            levels, gaps, curve, [] if np.isnan(half) else judged
        )),
    )


def _ends(levels: FloatArray) -> tuple[float, float]:
    return (float(levels[0]), float(levels[-1])) if len(levels) else (np.nan, np.nan)


def _gaps(baseline: Reached, method: Reached) -> tuple[FloatArray, FloatArray]:
    """(levels, log time of the baseline - log time of the method at each); both may be empty."""
    (theirs, their_times), (ours, our_times) = baseline, method
    low, high = max(theirs[0], ours[0]), min(theirs[-1], ours[-1])
    if not low < high:
        return np.empty(0), np.empty(0)
    first, last = np.interp([low, high], theirs, their_times)
    times = np.linspace(first, last, LEVELS)
    levels = np.interp(times, their_times, theirs)
    return levels, times - np.interp(levels, ours, our_times)


def _half_width(
    curves: list[MonotoneCurve], of_both: tuple[Noise, Noise], shared: Shared, confidence: float
) -> float:
    """Of the interval of the mean gap, by how it moves with every mean (the delta method)."""
    if any(noise.degrees == 0 for noise in of_both):
        return np.nan
    theirs, ours = (_spread(curves, side, noise, shared) for side, noise in enumerate(of_both))
    degrees = degrees_of_sum((theirs, ours), of_both, shared)
    squares = theirs.variance + ours.variance + sum(_doubt(curves, side) ** 2 for side in (0, 1))
    return float(special.stdtrit(degrees, (1 + confidence) / 2) * np.sqrt(squares))


def _spread(curves: list[MonotoneCurve], side: int, noise: Noise, shared: Shared) -> Spread:
    """Of the mean gap, by the noise of one side."""
    curve = curves[side]
    more, less = (
        np.array([_mean_gap(curves, side, on_grid) for on_grid in half.T])
        for half in curve.nudged
    )
    weights = (more - less) / (2 * curve.nudge)
    of_nodes = noise.variance(curve.node_slopes, curve.relative_noise) / curve.runs
    return spread(weights, of_nodes, shared)


def _doubt(curves: list[MonotoneCurve], side: int) -> float:
    """By how much the mean gap moves with another interpolation of one curve."""
    curve = curves[side]
    return _mean_gap(curves, side, curve.smoother_on_grid) - _mean_gap(curves, side, curve.on_grid)


def _mean_gap(curves: list[MonotoneCurve], side: int, on_grid: FloatArray) -> float:
    """Args: on_grid: values that one of the curves has instead."""
    moved, other = first_times(on_grid, curves[side].grid), curves[1 - side].first_times
    return float(_gaps(*((moved, other) if side == 0 else (other, moved)))[1].mean())


def _verdict(mean: float, half: float) -> Verdict:
    if np.isnan(mean):
        return Verdict.OUTSIDE
    half = 0.0 if np.isnan(half) else half
    if mean - half > 0:
        return Verdict.BETTER
    return Verdict.WORSE if mean + half < 0 else Verdict.CANNOT_TELL


def _crossings(
    levels: FloatArray, gaps: FloatArray, baseline: MonotoneCurve, judged: Sequence[Judged]
) -> Iterator[Crossing]:
    """Where the sign of the gap changes.

    Between two neighbours of the points that were told apart, one better and one worse, the curves
    cross once beyond chance. Where they cross several times there, the middle one stands for all.
    """
    told = np.flatnonzero(gaps)
    crossed = [
        _level_between(levels, gaps, before, after)
        for before, after in pairwise(told.tolist()) if gaps[before] * gaps[after] < 0
    ]
    beyond_chance = dict.fromkeys(crossed, False)
    for low, high in _turns(baseline, judged):
        between = [level for level in crossed if low <= level < high]
        for level in between:
            del beyond_chance[level]
        if between:
            beyond_chance[between[len(between) // 2]] = True
    for level, is_clear in sorted(beyond_chance.items()):
        yield Crossing(
            float(np.exp(baseline.log_time_of(level))), baseline.sign * level, is_clear
        )


def _turns(baseline: MonotoneCurve, judged: Sequence[Judged]) -> Iterator[tuple[float, float]]:
    """Values of neighbours, of all points told apart, of which one is better and one worse."""
    told = sorted(
        (baseline.sign * one.point.quality, one.verdict) for one in judged
        if one.verdict in (Verdict.BETTER, Verdict.WORSE)
    )
    for (low, verdict), (high, other) in pairwise(told):
        if verdict is not other:
            yield low, high


def _level_between(levels: FloatArray, gaps: FloatArray, before: int, after: int) -> float:
    """Where the gap is 0: in the middle of the levels that have none, if there are some."""
    if after > before + 1:
        return float(levels[before + 1] + levels[after - 1]) / 2
    share = gaps[before] / (gaps[before] - gaps[after])
    return float(levels[before] + share * (levels[after] - levels[before]))
