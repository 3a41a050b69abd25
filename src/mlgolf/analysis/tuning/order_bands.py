"""Simultaneous bands for a distribution function, from the order statistics of a sample.

If U(1) <= ... <= U(n) are uniform and sorted, F at the i-th smallest of n results is distributed as
U(i), whatever the continuous F. So numbers l_i <= u_i with P(l_i <= U(i) <= u_i for all i) = c give
a band that holds F everywhere at once with probability c: exactly, without knowing F. Ties only
make it hold more often.

The equal-tailed band takes the same tail of each order statistic's beta distribution, as small as c
needs. It is narrower at both ends than Kolmogorov's band of equal height, and the ends decide what
the best of many trials is.

The coverage is a crossing probability: n uniform points are a Poisson process given that its count
at 1 is n, and the count may be carried from one bound to the next by convolution. All terms are
positive, so nothing cancels.

Sources: Aldor-Noiman et al. (2013), doi:10.1080/00031305.2013.847865 (equal tails); Moscovich and
Nadler (2017), doi:10.1016/j.spl.2016.11.027 (the recursion).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import betaincinv, gammaln
from scipy.stats import kstwo

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.errors import ScoringError

Kind = Literal["equal_tailed", "kolmogorov"]
MOST_EQUAL_TAILED = 5000  # results; with more its level takes long, and Kolmogorov's band is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """lower[i] <= F(result i+1 in ascending order) <= upper[i], for all i at once."""

    kind: Kind
    lower: FloatArray  # (n,), in [0, 1], never falling
    upper: FloatArray


def band(n: int, confidence: float) -> Band:
    """The equal-tailed band of n results, or Kolmogorov's where there are very many.

    Raises: ScoringError if there is no result, or the confidence is no probability in (0, 1).
    """
    check_confidence(n, confidence)
    if n > MOST_EQUAL_TAILED:
        return kolmogorov(n, confidence)
    return _of_tail(n, equal_tail(n, confidence))


def check_confidence(n: int, confidence: float) -> None:
    """Raises: ScoringError if n results have no band of such a confidence."""
    if n < 1:
        raise ScoringError("found no results, a band needs at least 1")
    if not 0 < confidence < 1:
        raise ScoringError(
            f"confidence: found {confidence:g}, allowed is above 0 and below 1, such as 0.95"
        )


def kolmogorov(n: int, confidence: float) -> Band:
    """The band of equal height around the empirical distribution, by the exact distribution."""
    height = float(kstwo.ppf(confidence, n))
    ranks = np.arange(1, n + 1)
    return Band(
        kind="kolmogorov", lower=np.clip(ranks / n - height, 0, 1),
        upper=np.clip((ranks - 1) / n + height, 0, 1),
    )


@lru_cache(maxsize=256)
def equal_tail(n: int, confidence: float) -> float:
    """The probability of both tails together of each order statistic, for joint coverage."""
    missed = 1 - confidence
    low, high = math.log(missed / n) - 1e-9, math.log(missed)  # Bonferroni's, and of one alone

    def excess(log_tail: float) -> float:
        found = _of_tail(n, math.exp(log_tail))
        return coverage(found.lower, found.upper) - confidence

    return missed if n == 1 else math.exp(root_scalar(excess, bracket=(low, high), xtol=1e-9).root)


def _of_tail(n: int, tail: float) -> Band:
    ranks = np.arange(1, n + 1)
    lower = betaincinv(ranks, n + 1 - ranks, tail / 2)
    # By symmetry, which is more accurate near 1 than the other tail's quantile.
    return Band(kind="equal_tailed", lower=lower, upper=1 - lower[::-1])


def coverage(lower: FloatArray, upper: FloatArray) -> float:
    """P(lower[i] <= U(i+1) <= upper[i] for all i), U sorted and uniform; exact.

    Args: lower, upper: (n,), in [0, 1], never falling.
    """
    n = len(lower)
    times = np.unique(np.concatenate([lower, upper, [1.0]]))
    times = times[times > 0]
    # How many points may lie below each time: those whose upper bound has passed, at least, and
    # those whose lower bound has, at most.
    least = np.searchsorted(upper, times, side="right")
    most = np.searchsorted(lower, times, side="left")
    return coverage_of_counts(n, times, least, most)


def coverage_of_counts(n: int, times: FloatArray, least: IntArray, most: IntArray) -> float:
    """P(least <= how many of n uniform numbers are up to a time <= most, at all times); exact.

    Args: times, least, most: (times,), never falling; times in (0, 1].
    """
    if (least > most).any():
        return 0.0
    if times[-1] < 1:
        times, least, most = np.append(times, 1.0), np.append(least, n), np.append(most, n)
    counts, first = np.ones(1), 0  # counts[j]: the probability of first + j points, none crossing
    rates = n * np.diff(times, prepend=0.0)
    for low, high, jumps in zip(least, most, _poisson(rates, most, least), strict=True):
        counts = np.convolve(counts, jumps)[low - first:high - first + 1]
        first = low
    return float(counts[n - first] / _poisson_at(n, float(n)))


def _poisson(rates: FloatArray, most: IntArray, least: IntArray) -> list[FloatArray]:
    """Of each step the probabilities of 0, 1, … points, as many as may come without crossing."""
    before = np.concatenate([[0], least[:-1]])
    lengths = most - before + 1
    points = np.arange(lengths.max())
    factorials, logs = gammaln(points + 1), np.log(rates)
    return [
        np.exp(log * points[:length] - rate - factorials[:length])
        for log, rate, length in zip(logs, rates, lengths, strict=True)
    ]


def _poisson_at(count: int, rate: float) -> float:
    return float(np.exp(count * np.log(rate) - rate - gammaln(count + 1)))
