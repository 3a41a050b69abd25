"""Between which two results the median of the best of k trials lies, at all k at once.

The median of the best of k is the quantile of one trial's results at q_k = 0.5^(1/k). Of n results
a binomial number N(q_k) is up to it. If that is at least r and at most s, the quantile lies between
the results of rank r and s + 1. Ranks are chosen for the same tail of the binomial distribution at
every k, as large as the joint probability of all k allows, which is exact (`order_bands.py`).

A band for the whole distribution function would hold more often than it says: the best of k >= 1
trials depends on the better half of the results alone.

Ranks are whole numbers, so the probability is at least the confidence. Ties make it larger.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binom

from mlgolf.analysis.tuning.order_bands import check_confidence, coverage_of_counts
from mlgolf.core.arrays import FloatArray, IntArray

HALVINGS = 20  # of the range in which the tail is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class RankBand:
    """Of ascending results: at least the one of rank `least` (0: no bound), at most `most` + 1."""

    least: IntArray  # (trials,)
    most: IntArray  # (trials,); n: no bound
    coverage: float  # the exact probability, for results without ties


def levels(trials: int) -> FloatArray:
    """(trials,): at which quantile of one trial the median of the best of 1, 2, … lies."""
    return 0.5 ** (1 / np.arange(1, trials + 1))


@lru_cache(maxsize=256)
def rank_band(n: int, trials: int, confidence: float) -> RankBand:
    """Ranks of n results that bound the median best of k, for all k up to `trials` together.

    Raises: ScoringError if there is no result, or the confidence is no probability in (0, 1).
    """
    check_confidence(n, confidence)
    low, high = math.log((1 - confidence) / trials), 0.0
    found = _of_tail(n, trials, math.exp(low))  # by Bonferroni it holds
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = _of_tail(n, trials, math.exp(middle))
        if tried.coverage >= confidence:
            found, low = tried, middle
        else:
            high = middle
    return found


def _of_tail(n: int, trials: int, tail: float) -> RankBand:
    """Args: tail: the probability of both tails together, at one k."""
    at = levels(trials)
    least, most = (part(tail / 2, n, at).astype(np.int64) for part in (binom.ppf, binom.isf))
    return RankBand(
        least=least, most=most, coverage=coverage_of_counts(n, at, least, most)
    )
