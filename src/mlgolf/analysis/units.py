"""Whether numbers of one column are of one unit, as far as numbers can tell.

Nobody writes the unit into a table. Fractions beside percents, and seconds beside milliseconds or
hours, make any comparison nonsense, and leave a gap that measurements of one kind seldom have.
"""

import numpy as np

from mlgolf.core.arrays import FloatArray

WIDE = 20.0  # times: no budgets of one comparison lie so far apart, with nothing between
PERCENT = (30.0, 300.0)  # medians of percents over those of fractions: 100, unless they differ


def fractions_beside_percents(values: FloatArray) -> tuple[int, int] | None:
    """Where a fraction and a percent stand, if all values are one or the other, and both occur.

    Args: values: those that are not finite tell nothing.
    """
    known = np.flatnonzero(np.isfinite(values))
    small = known[(values[known] >= 0) & (values[known] <= 1)]
    large = known[(values[known] > 1) & (values[known] <= 100)]
    if not len(small) or not len(large) or len(small) + len(large) < len(known):
        return None
    low, high = values[small], values[large]
    if high.min() < WIDE * low.max():
        return None
    ratio = np.median(high) / max(np.median(low), 1e-12)
    return (int(small[0]), int(large[0])) if PERCENT[0] <= ratio <= PERCENT[1] else None


def apart(some: FloatArray, others: FloatArray) -> float:
    """How many times as large the one's smallest is as the other's largest; 1 if they overlap.

    Args: some, others: above 0.
    """
    return float(max(some.min() / others.max(), others.min() / some.max(), 1.0))


def widest_gap(values: FloatArray) -> tuple[int, int, float] | None:
    """Two neighbours by size that lie furthest apart, and how many times as large one is.

    Args: values: above 0, or not finite. Returns: None for less than two.
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return None
    order = known[np.argsort(values[known], kind="stable")]
    ratios = values[order[1:]] / values[order[:-1]]
    at = int(ratios.argmax())
    return int(order[at]), int(order[at + 1]), float(ratios[at])
