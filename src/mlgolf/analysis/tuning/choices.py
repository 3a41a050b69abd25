"""Tuning for quality at a fixed budget, against tuning for time to a fixed quality.

Both choose one trial of each study. Here is how often they choose different ones, and what the
first choice costs in the terms of the second, and the second in the terms of the first.
"""

from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Over the studies of which some trial reached the target."""

    studies: int
    differ: int  # studies in which the two choose different trials
    never: int  # studies in which the one chosen for quality never reached the target
    time_factor: float  # geometric mean over the others: its time to the fastest trial's
    # Median over studies, of the fastest trial against the best at the budget, in units of costs.
    quality_lost: float


def compare_choices(costs: FloatArray, times: FloatArray) -> Choices:
    """Args:
      costs: (studies, trials), quality at a fixed budget, smaller is better; inf: no result.
      times: (studies, trials), to a fixed quality; inf: never.
    Returns: NaN where there is nothing to average.
    Of equal trials the choice for quality is the faster one, and the choice for time the better.
    """
    counted = np.isfinite(times).any(axis=1)
    costs, times = costs[counted], times[counted]
    rows = np.arange(len(costs))
    for_quality = np.lexsort((times, costs), axis=1)[:, 0]
    for_time = np.lexsort((costs, times), axis=1)[:, 0]
    factors = times[rows, for_quality] / times[rows, for_time]
    reached = np.isfinite(factors)
    with np.errstate(invalid="ignore"):
        lost = costs[rows, for_time] - costs[rows, for_quality]
    lost = lost[~np.isnan(lost)]
    return Choices(
        studies=len(rows), differ=int((for_quality != for_time).sum()),
        never=int((~reached).sum()),
        time_factor=float(np.exp(np.log(factors[reached]).mean())) if reached.any() else np.nan,
        quality_lost=float(np.median(lost)) if len(lost) else np.nan,
    )
