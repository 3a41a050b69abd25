"""Quantiles of latency with intervals from order statistics, and how many runs a quantile needs.

Between which two of the sorted runs a quantile lies follows from the binomial distribution alone,
whatever the latency is distributed like. Runs that follow one another are alike, as a busy moment
hits several: so runs count as fewer, by how much the share of slow runs varies between stretches.
Source: David and Nagaraja, Order Statistics (2003), section 7.1; batch means for the variance.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import FloatArray

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    value: float
    interval: Interval  # the upper end is inf where there are too few runs
    effective_runs: int  # independent ones that tell as much


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of one input of this batch size, on so many threads."""

    batch_size: int
    threads: int
    runs: int
    mean_ms: float
    quantiles: dict[str, Quantile]  # "p50" -> in ms

    @property
    def p50_ms(self) -> float:
        return self.quantiles["p50"].value

    @property
    def examples_per_second(self) -> float:
        """At the median run: a busy moment of the machine does not count."""
        return 1e3 * self.batch_size / self.p50_ms


def latency(seconds: FloatArray, *, batch_size: int, threads: int) -> Latency:
    """Args: seconds: (runs,), in the order in which they were run."""
    found = {name: quantile(1e3 * seconds, share) for name, share in QUANTILES.items()}
    return Latency(
        batch_size=batch_size, threads=threads, runs=len(seconds),
        mean_ms=float(1e3 * seconds.mean()), quantiles=found,
    )


def runs_needed(share: float, confidence: float = CONFIDENCE) -> int:
    """The fewest independent runs whose largest bounds the quantile from above.

    Returns: 368 for the 99th percentile at 95%; of the interval's two sides this is the upper.
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(share))


def quantile(values: FloatArray, share: float, confidence: float = CONFIDENCE) -> Quantile:
    """Args: values: (runs,), in order; share: 0.99 for the 99th percentile."""
    runs = len(values)
    effective = max(1, math.floor(runs / inflation(values, share)))
    lower, upper = ranks(effective, share, confidence)
    ordered, step = np.sort(values), runs / effective
    low = ordered[max(0, math.floor(lower * step) - 1)] if lower > 0 else 0.0
    high = ordered[min(runs, math.ceil(upper * step)) - 1] if upper <= effective else math.inf
    return Quantile(
        value=float(np.quantile(values, share)), interval=(float(low), float(high)),
        effective_runs=effective,
    )


def ranks(runs: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Ranks, from 1, of the sorted runs that hold the quantile between them.

    A lower rank of 0 or an upper one above `runs` says that no run bounds it there.
    """
    out = (1 - confidence) / 2
    below = binom.cdf(np.arange(runs + 1), runs, share)  # P(at most k runs lie below the quantile)
    lower = int(np.searchsorted(below, out, side="right"))  # how many k have below[k] <= out
    upper = int(np.searchsorted(below, 1 - out, side="left")) + 1
    return lower, upper


def inflation(values: FloatArray, share: float) -> float:
    """By what runs in sequence vary more than independent ones would; at least 1."""
    batches = math.isqrt(len(values))
    if batches < 10:
        return 1.0
    size = len(values) // batches
    slow = (values > np.quantile(values, share)).astype(float)
    shares = slow[: batches * size].reshape(batches, size).mean(axis=1)
    expected = slow.mean() * (1 - slow.mean()) / size
    return max(1.0, float(shares.var(ddof=1) / expected)) if expected > 0 else 1.0
