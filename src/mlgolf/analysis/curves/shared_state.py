"""Whether the runs of one seed lie on one side of their curves together, at all budgets.

Those are often played one after the other, on a machine that is slow or fast for all of them, and
begin from the same weights. What is averaged over budgets then varies more than it would if no run
knew of another. How much more is estimated from how residuals of a seed agree between budgets, over
all methods of a table, since the seeds of one are few.
Source of the idea: errors that are clustered, as Liang and Zeger (1986),
doi:10.1093/biomet/73.1.13, take them, here with one correlation for all pairs of budgets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mlgolf.analysis.curves.seed_noise import Noise, Sloped, pooled
from mlgolf.core.arrays import FloatArray


@dataclass(frozen=True)
class Shared:
    """Nothing is shared where a table has no seeds, or each of them one run only."""

    correlation: float = 0.0  # of residuals, between two budgets of a seed
    degrees: int = 0  # of freedom: seeds less one, over all methods


INDEPENDENT = Shared()


class Spread(NamedTuple):
    """Of a mean over budgets, or of several, each in its place of the arrays."""

    variance: FloatArray
    by_correlation: FloatArray  # the part of it that is known no better than the correlation


def shared_state(methods: Sequence[Sloped], sign: float) -> Shared:
    """Args: methods: each with the seeds of its points; sign: as of `Sloped.scatter`."""
    together, pairs, degrees = 0.0, 0, 0
    for method in methods:
        residuals = [*_standardised(method, sign)]
        in_pairs = set()
        for one, other in combinations(residuals, 2):
            both = one.keys() & other.keys()
            if len(both) > 1:
                together += sum(one[seed] * other[seed] for seed in both)
                pairs += len(both) - 1
                in_pairs |= both
        degrees += max(len(in_pairs) - 1, 0)
    if not pairs:
        return INDEPENDENT
    return Shared(min(max(together / pairs, 0.0), 1.0), degrees)


def _standardised(method: Sloped, sign: float) -> Iterator[dict[str, float]]:
    """For each budget, how far each of its seeds lies off the curve, over what is usual."""
    noise = pooled([method], sign)
    for point, slope in zip(method.points, method.slopes, strict=True):
        usual = float(np.sqrt(noise.variance(slope, point.relative_noise)))
        if point.seeds and point.runs > 1 and usual > 0:
            late = np.log(point.times) - point.log_time
            off = sign * (point.qualities - point.quality) - slope * late
            yield dict(zip(point.seeds, (off / usual).tolist(), strict=True))


def spread(weights: FloatArray, of_nodes: FloatArray, shared: Shared) -> Spread:
    """Args: weights: (..., budgets), of each mean; of_nodes: (budgets,), variances of means."""
    squares = np.square(weights) @ of_nodes
    if shared.degrees == 0:
        return Spread(squares, np.zeros_like(squares))
    alike = np.square(weights @ np.sqrt(of_nodes))
    variance = (1 - shared.correlation) * squares + shared.correlation * alike
    # Of K means that weigh alike, the variance is estimated from sums over them: all but 1 / K of
    # what is known of it comes from the correlation.
    count = np.divide(alike, squares, out=np.ones_like(squares), where=squares > 0)
    return Spread(variance, variance * np.sqrt(np.maximum(1 - 1 / np.maximum(count, 1), 0.0)))


def degrees_of_sum(
    spreads: tuple[Spread, Spread], noises: tuple[Noise, Noise], shared: Shared
) -> FloatArray:
    """Degrees of freedom of the sum of two variances. Source: Satterthwaite (1946).

    Args: noises: of each; equal where both have one, as those that are estimated apart differ.
    """
    (one, other), (first, second) = (part.variance for part in spreads), noises
    total = np.square(one + other)
    if first == second:
        parts = total / max(first.degrees, 1)
    else:
        parts = one**2 / max(first.degrees, 1) + other**2 / max(second.degrees, 1)
    if shared.degrees:
        parts = parts + np.square(sum(part.by_correlation for part in spreads)) / shared.degrees
    unknown = np.full_like(total, first.degrees)
    return np.divide(total, parts, out=unknown, where=parts > 0)
