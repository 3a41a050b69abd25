"""Tuning curves: the best result of 1, 2, … trials of random search, from n results of one trial.

If one trial's result has the distribution function F (larger is better here), the best of k has
F^k. So what is known of F everywhere at once is known of the whole curve, at every number of trials
together, whatever F is.

`median`: the value that the best of k trials reaches with probability one half. It stays meaningful
where some trials have no result. It is F's quantile at 0.5^(1/k), and lies between two results
whose ranks `rank_bands.py` finds. `mean`: the expected best. It depends on all of F, of which
`order_bands.py` has a band; its bounds need bounds of the metric. Both are of the empirical
distribution: of k trials drawn with replacement from the results.

A trial without a result counts as the worst of all, or as the metric's bound. A bound is infinite
where the results do not limit it: few results do not say how good the best of many trials may be.

Source: Lourie, Cho and He (2023), arXiv:2311.09480; Dodge et al. (2019), arXiv:1909.03004.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlgolf.analysis.tuning.order_bands import band
from mlgolf.analysis.tuning.rank_bands import levels, rank_band
from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal

Statistic = Literal["median", "mean"]
MOST_TRIALS = 1000  # of a curve, unless more are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningCurve:
    """The best of `trials` trials, and bounds that hold at all of them with the confidence.

    `lower` and `upper` are numbers on the metric's own scale; which is better, `goal` says.
    """

    goal: Goal
    trials: IntArray  # 1, 2, …
    best: FloatArray  # never getting worse; infinite where most trials have no result
    lower: FloatArray
    upper: FloatArray
    results: int
    failed: int  # of them, without a result


def tuning_curve(
    values: FloatArray, goal: Goal, *, confidence: float = 0.95, trials: int | None = None,
    statistic: Statistic = "median", bounds: tuple[float, float] = (-math.inf, math.inf),
) -> TuningCurve:
    """The tuning curve of n independent trials.

    Args:
      values: (n,), the result of each trial; NaN or the worst infinity for one without a result.
      trials: how far the curve goes; None: n, but at most `MOST_TRIALS`.
      bounds: the least and the largest value that the metric can have.
    Raises: ScoringError for no values, values outside of the bounds, the better infinity, or a mean
      of trials some of which have no result.
    """
    given = np.asarray(values, dtype=np.float64)
    at_best = -goal.sign * math.inf
    if (given == at_best).any():
        raise ScoringError(f"found {at_best:g} as a result to {goal}, allowed is {-at_best:g}")
    failed = ~np.isfinite(given)
    finite = given[~failed]
    if ((finite < bounds[0]) | (finite > bounds[1])).any():
        raise ScoringError(
            f"found results from {finite.min():g} to {finite.max():g}, and bounds of the metric of "
            f"{bounds[0]:g} and {bounds[1]:g}. Correct the bounds."
        )
    sign = -goal.sign  # from here on larger is better
    limits = sorted(sign * bound for bound in bounds)
    results = np.sort(np.where(failed, limits[0], sign * given))
    if statistic == "mean" and not np.isfinite(results).all():
        raise ScoringError(
            f"{failed.sum()} of {len(given)} trials have no result, so their best has no mean. "
            "Take the median, or give a bound that such trials count as."
        )
    count = min(len(results), MOST_TRIALS) if trials is None else trials
    curve = _medians if statistic == "median" else _means
    best, low, high = (sign * part for part in curve(results, count, confidence, limits))
    lower, upper = (low, high) if goal is Goal.MAXIMISE else (high, low)
    return TuningCurve(
        goal=goal, trials=np.arange(1, count + 1), best=best, lower=lower, upper=upper,
        results=len(results), failed=int(failed.sum()),
    )


Parts = tuple[FloatArray, FloatArray, FloatArray]  # estimate, lower and upper bound


def _medians(
    results: FloatArray, trials: int, confidence: float, limits: Sequence[float]
) -> Parts:
    n = len(results)
    ranks = rank_band(n, trials, confidence)
    estimated = results[np.searchsorted(np.arange(1, n + 1) / n, levels(trials))]
    return (
        estimated, np.append(limits[0], results)[ranks.least],
        np.append(results, limits[1])[ranks.most],
    )


def _means(
    results: FloatArray, trials: int, confidence: float, limits: Sequence[float]
) -> Parts:
    """Of F^k, whose masses are differences of its values.

    Between two results F is at most the next one's upper bound, and at least this one's lower.
    """
    n, known, ks = len(results), band(len(results), confidence), np.arange(1, trials + 1)
    below, above = np.append(limits[0], results), np.append(results, limits[1])
    return (
        _mean_of(np.arange(n + 1) / n, above, ks),
        _mean_of(np.concatenate([[0.0], known.upper, [1.0]]), below, ks),
        _mean_of(np.concatenate([[0.0], known.lower, [1.0]]), above, ks),
    )


def _mean_of(levels: FloatArray, values: FloatArray, ks: IntArray) -> FloatArray:
    """The mean of the best of k, where F rises from levels[i] to levels[i + 1] at values[i]."""
    masses = np.diff(levels[:, None] ** ks, axis=0)  # (values, ks)
    values = values[:len(masses)]
    finite = np.isfinite(values)
    means = values[finite] @ masses[finite]
    for value, mass in zip(values[~finite], masses[~finite], strict=True):
        means = np.where(mass > 0, value, means)
    return means


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Where one band lies wholly on the better side of another."""

    better: str
    worse: str
    trials: tuple[int, ...]  # at which; never empty


def separations(curves: dict[str, TuningCurve]) -> list[Separation]:
    """Every pair whose bands separate, at equal numbers of trials.

    Two bands of confidence c hold together with probability of at least 1 - 2 (1 - c).
    """
    found = []
    for better, one in curves.items():
        for worse, other in curves.items():
            count = min(len(one.trials), len(other.trials))
            if one.goal is Goal.MAXIMISE:
                apart = one.lower[:count] > other.upper[:count]
            else:
                apart = one.upper[:count] < other.lower[:count]
            if apart.any():
                at = tuple(int(k) for k in one.trials[:count][apart])
                found.append(Separation(better=better, worse=worse, trials=at))
    return found
