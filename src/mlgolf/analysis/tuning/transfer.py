"""Do hyperparameter points keep their ranks from a workload to its variant?

Rank correlations over points (Kendall's tau-b and Spearman's rho), each with an interval, a test
against "no relation" (by permutations; of many points by the normal distribution), and what it
costs to use on the variant the point that is best on the workload.

The interval is that of the normal distribution for Fisher's z, z = atanh(r), with the variances of
Fieller, Hartley and Pearson (1957, doi:10.1093/biomet/44.3-4.470): 0.437 / (n - 4) of tau and
1.06 / (n - 3) of rho. |r| = 1 is taken as if half a pair of points were in the other order, so that
an interval of few points is not a single number. `benchmarks/tuning_bands.py` simulates how often
it covers; below 5 points there is none.
"""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.special import ndtri
from scipy.stats import kendalltau, spearmanr

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.tuning.shared_points import Scale, degradation
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

LEAST_POINTS = 5  # for an interval
MOST_ENUMERATED = 7  # points, of which all orders are tried
DRAWN = 9999  # orders, if there are more
MOST_PERMUTED = 50  # points; of more tau is as good as normally distributed


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How points that were run on both carry over. NaN: all points are equal on one of the two."""

    points: int
    tau: float
    tau_interval: Interval | None
    rho: float
    rho_interval: Interval | None
    p_value: float  # two-sided, of tau; how often as large a |tau| comes by chance
    same_best: bool
    loss: float  # degradation on the variant of the workload's best point: see shared_points.py


def transfer(
    costs: FloatArray, variant_costs: FloatArray, scale: Scale, confidence: float = CONFIDENCE
) -> Transfer | None:
    """Compare the ranks of the same points on two workloads.

    Args: costs, variant_costs: (points,), smaller is better; inf: no result.
    Returns: None for fewer than 2 points, or where none has a result on one of the two.
    """
    if costs.shape != variant_costs.shape:
        raise ScoringError(f"points differ: {costs.shape} against {variant_costs.shape}")
    ends = (costs, variant_costs)
    if len(costs) < 2 or not all(np.isfinite(own).any() for own in ends):
        return None
    own, other = (_ranks(costs) for costs in ends)
    equal = not own.any() or not other.any()
    tau, rho = (
        math.nan if equal else float(found(own, other).statistic)  # pyright: ignore
        for found in (kendalltau, spearmanr)
    )
    lost = degradation(variant_costs[:, None], scale)[:, 0]
    best = costs == costs.min()  # of equal ones the cost is that of one drawn at random
    return Transfer(
        points=len(costs), tau=tau, rho=rho, p_value=_p_value(own, other),
        tau_interval=rank_interval(tau, len(costs), 0.437, 4, confidence),
        rho_interval=rank_interval(rho, len(costs), 1.06, 3, confidence),
        same_best=bool((best & (lost == lost.min())).any()), loss=float(lost[best].mean()),
    )


def _ranks(costs: FloatArray) -> FloatArray:
    """Places from 0, equal for equal costs: scipy takes no infinities."""
    return np.unique(costs, return_inverse=True)[1].astype(np.float64)


def rank_interval(
    correlation: float, points: int, scale: float, lost: int, confidence: float
) -> Interval | None:
    """By Fisher's z with the variance scale / (points - lost); None if too few points."""
    if points < LEAST_POINTS or not np.isfinite(correlation):
        return None
    largest = 1 - 1 / (points * (points - 1) / 2)
    z = np.arctanh(np.clip(correlation, -largest, largest))
    width = ndtri((1 + confidence) / 2) * np.sqrt(scale / (points - lost))
    low, high = np.tanh(z - width), np.tanh(z + width)
    return float(min(low, correlation)), float(max(high, correlation))


def _p_value(own: FloatArray, other: FloatArray) -> float:
    """Over all orders of few points, over orders drawn with a fixed seed, or of tau as normal."""
    n = len(own)
    if not own.any() or not other.any():
        return 1.0
    if n > MOST_PERMUTED:
        return float(kendalltau(own, other, method="asymptotic").pvalue)  # pyright: ignore
    if n <= MOST_ENUMERATED:
        orders, added = np.array([*permutations(range(n))]), 0
    else:
        rng = np.random.default_rng(0)
        orders, added = np.argsort(rng.random((DRAWN, n)), axis=1), 1
    signs = np.sign(own[:, None] - own[None, :])
    found = abs((signs * np.sign(other[:, None] - other[None, :])).sum())
    as_large = added
    for order in np.array_split(orders, max(1, orders.size * n // 1_000_000)):
        moved = other[order]
        sums = (signs * np.sign(moved[:, :, None] - moved[:, None, :])).sum(axis=(1, 2))
        as_large += int((abs(sums) >= found).sum())
    return as_large / (len(orders) + added)
