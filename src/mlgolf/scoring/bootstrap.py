"""How far a score might move if the studies were run again: a percentile bootstrap.

A rough guide, no more. With three studies a resample has only ten distinct make-ups and its median
is always one of three values, so the interval misses the spread beyond the studies at hand and
covers the truth less often than its nominal 95%. It moves all submissions at once, since the
ratios depend on everybody's times, and so says nothing of a difference between two of them.

Source: Efron (1979), doi:10.1214/aos/1176344552.
"""

from collections.abc import Callable, Sequence

import numpy as np

from mlgolf.core.arrays import FloatArray

RESAMPLES = 1000
LEAST_STUDIES = 3
SEED = 0  # the same trials give the same interval, whoever computes it


def score_intervals(
    studies: Sequence[Sequence[FloatArray]], score: Callable[[FloatArray], FloatArray]
) -> list[tuple[float, float] | None]:
    """The 2.5% and 97.5% quantiles of each submission's score over resampled studies.

    Args:
      studies: [submission][workload] -> (studies,) costs, inf where never reached. Each cell is
        resampled by itself: its studies were run apart from those of other workloads.
      score: (resamples, submissions, workloads) costs to (resamples, submissions) scores.
    Returns: per submission; None for one with data of fewer than 3 studies somewhere, or none.
    """
    rng = np.random.default_rng(SEED)
    resampled = np.array([[_resampled_medians(cell, rng) for cell in row] for row in studies])
    scores = score(np.moveaxis(resampled, -1, 0))
    quantiles = np.quantile(scores, [0.025, 0.975], axis=0)
    return [
        (float(low), float(high)) if _enough(row) else None
        for row, low, high in zip(studies, *quantiles, strict=True)
    ]


def _resampled_medians(costs: FloatArray, rng: np.random.Generator) -> FloatArray:
    if costs.size == 0:
        return np.full(RESAMPLES, np.inf)
    drawn = rng.integers(costs.size, size=(RESAMPLES, costs.size))
    return np.median(costs[drawn], axis=1)


def _enough(row: Sequence[FloatArray]) -> bool:
    sizes = [cell.size for cell in row if cell.size]
    return bool(sizes) and min(sizes) >= LEAST_STUDIES
