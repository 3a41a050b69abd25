"""How far a score might move if the studies were run again: a percentile bootstrap.

A rough guide, no more. With three studies a resample has only ten distinct make-ups and its median
is always one of three values, so the interval misses the spread beyond the studies at hand and
covers the truth less often than its nominal 95%. It moves all submissions at once, since the
ratios depend on everybody's times, and so says nothing of a difference between two of them.

Source: Efron (1979), doi:10.1214/aos/1176344552.
"""

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.scoring.standings import Standings

RESAMPLES = 1000
LEAST_STUDIES = 3
SEED = 0  # the same trials give the same interval, whoever computes it


def score_intervals(standings: Standings) -> list[tuple[float, float] | None]:
    """The 2.5% and 97.5% quantiles of each submission's score over resampled studies.

    Each submission and workload is resampled by itself: its studies were run apart from the others.
    Returns: per submission; None for one with fewer than 3 studies somewhere it has data, or none.
    """
    rng = np.random.default_rng(SEED)
    resampled = np.array([[_resampled(cell, rng) for cell in row] for row in standings.studies])
    scores = standings.scores_of(np.moveaxis(resampled, 2, 0))
    quantiles = np.quantile(scores, [0.025, 0.975], axis=0)
    counts = (~np.isnan(standings.studies)).sum(axis=-1)
    return [
        (float(low), float(high)) if row.any() and row[row > 0].min() >= LEAST_STUDIES else None
        for low, high, row in zip(*quantiles, counts, strict=True)
    ]


def _resampled(worth: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(resamples, studies) drawn from those that there are; NaN for the rest."""
    drawn = np.full((RESAMPLES, len(worth)), np.nan)
    present = worth[~np.isnan(worth)]
    if present.size:
        drawn[:, : present.size] = rng.choice(present, size=(RESAMPLES, present.size))
    return drawn
