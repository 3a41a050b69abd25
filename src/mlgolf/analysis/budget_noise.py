"""Whether seeds vary more at some budgets than at others, which many methods together can tell.

Early in training, or where a curve is steep, results of seeds lie far apart; near its end they lie
close together. One variance for all budgets then makes intervals too narrow here, too wide there.
Three seeds of one method do not say how much they vary at a budget; those of many methods do.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import special

from mlgolf.core.arrays import FloatArray

LEAST_DEGREES = 10  # of freedom that each budget must have, over all methods
APART = 0.01  # level of Bartlett's test
FLOOR = 0.05  # of the mean standard deviation, which a budget's counts as at least


class Runs(Protocol):
    @property
    def qualities(self) -> FloatArray: ...


def relative_noise(methods: Sequence[Sequence[Runs]]) -> FloatArray | None:
    """(budgets,), the standard deviation at each budget over that of all of them.

    Args: methods: for each, its budgets from short to long; the k-th of all belong together.
    Returns: ones where budgets do not differ beyond chance; None where that cannot be told, as
      methods have different numbers of budgets, or there are too few runs.
    Source of the test: Bartlett (1937), doi:10.1098/rspa.1937.0109.
    """
    if len({len(budgets) for budgets in methods}) != 1:
        return None
    found = [_scatter(budget) for budget in zip(*methods, strict=True)]
    squares, degrees = (np.array(part, dtype=float) for part in zip(*found, strict=True))
    if degrees.min() < LEAST_DEGREES or squares.sum() == 0:
        return None
    together = squares.sum() / degrees.sum()
    variances = np.maximum(squares / degrees, FLOOR**2 * together)
    if _chance_of(variances, degrees) >= APART:
        return np.ones(len(variances))
    return np.sqrt(variances / (degrees @ variances / degrees.sum()))


def _scatter(budget: Sequence[Runs]) -> tuple[float, int]:
    """(sum of squares around the mean of each method, its degrees of freedom)."""
    squares = sum(float(np.square(p.qualities - p.qualities.mean()).sum()) for p in budget)
    return squares, sum(len(point.qualities) - 1 for point in budget)


def _chance_of(variances: FloatArray, degrees: FloatArray) -> float:
    """That equal variances look as different as these, or more so."""
    groups, total = len(variances), degrees.sum()
    if groups < 2:
        return 1.0
    statistic = total * np.log(degrees @ variances / total) - degrees @ np.log(variances)
    correction = 1 + ((1 / degrees).sum() - 1 / total) / (3 * (groups - 1))
    return float(special.chdtrc(groups - 1, statistic / correction))
