"""Whether seeds vary more at some budgets than at others, which many methods together can tell.

Early in training, or where a curve is steep, results of seeds lie far apart; near its end they lie
close together. One variance for all budgets then makes intervals too narrow here, too wide there.
Three seeds of one method do not say how much they vary at a budget; those of many methods do.

A method may vary more than others at all budgets. So the variance is taken to be the product of one
number of the method and one of the budget, and both are fitted: a noisy method counts no more.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import special

from mlgolf.core.arrays import FloatArray

LEAST_DEGREES = 10  # of freedom that each budget must have, over all methods
APART = 0.01  # level of Bartlett's test
FLOOR = 0.05  # of the mean standard deviation, which a budget's counts as at least
SAME_TIME = 1.5  # the most by which times of one budget differ between methods: a factor
CLOSE, ROUNDS = 1e-6, 500  # relative, and the most steps: when a fit is done


class Runs(Protocol):
    @property
    def qualities(self) -> FloatArray: ...
    @property
    def time(self) -> float: ...
    @property
    def budget(self) -> str | None: ...


def relative_noise(methods: Sequence[Sequence[Runs]]) -> FloatArray | None:
    """(budgets,), the standard deviation at each budget over that of all of them.

    Args: methods: for each, its budgets from short to long.
    Returns: ones where budgets do not differ beyond chance; None where that cannot be told, as
      methods have other budgets, or there are too few runs. Runs without any scatter, as of a
      program that uses no random numbers, do not count.
    Source of the test: Bartlett (1937), doi:10.1098/rspa.1937.0109, here of variances relative to
      those of each method.
    """
    if not _have_the_same_budgets(methods):
        return None
    squares, degrees = (
        np.array([[of(budget) for budget in budgets] for budgets in methods], dtype=float)
        for of in (_squares, _degrees)
    )
    scattered = squares.sum(axis=1) > 0
    squares, degrees = squares[scattered], degrees[scattered]
    if not len(squares) or degrees.sum(axis=0).min() < LEAST_DEGREES:
        return None
    variances = _fitted(squares, degrees)
    if _chance_of(variances, squares, degrees) >= APART:
        return np.ones(len(variances))
    return np.sqrt(variances)


def _have_the_same_budgets(methods: Sequence[Sequence[Runs]]) -> bool:
    """Whether the k-th budgets of all methods have one name, or about one time."""
    if len({len(budgets) for budgets in methods}) != 1:
        return False
    return all(_is_one_budget(budgets) for budgets in zip(*methods, strict=True))


def _is_one_budget(budgets: Sequence[Runs]) -> bool:
    names = {budget.budget for budget in budgets}
    times = [budget.time for budget in budgets]
    return (len(names) == 1 and None not in names) or max(times) <= SAME_TIME * min(times)


def _squares(runs: Runs) -> float:
    """Sum of squares around the mean: exactly 0 where all are equal."""
    from_first = runs.qualities - runs.qualities[0]
    return float(np.square(from_first - from_first.mean()).sum())


def _degrees(runs: Runs) -> int:
    return len(runs.qualities) - 1


def _fitted(squares: FloatArray, degrees: FloatArray) -> FloatArray:
    """(budgets,): variances relative to those of the methods, 1 on average.

    The most likely ones if a variance is that of the method times that of the budget: in turn,
    methods are measured at what budgets are known to vary, and budgets at what methods do.

    Args: squares, degrees: (methods, budgets).
    """
    of_budgets = degrees.sum(axis=0)
    variances = np.ones(len(of_budgets))
    for _ in range(ROUNDS):
        of_methods = _of_methods(squares, degrees, variances)
        found = (squares / of_methods[:, None]).sum(axis=0) / of_budgets
        found = np.maximum(found / _mean(found, of_budgets), FLOOR**2)
        found /= _mean(found, of_budgets)
        is_done = np.allclose(found, variances, rtol=CLOSE, atol=0)
        variances = found
        if is_done:
            break
    return variances


def _of_methods(squares: FloatArray, degrees: FloatArray, of_budgets: FloatArray) -> FloatArray:
    return (squares / of_budgets).sum(axis=1) / degrees.sum(axis=1)


def _mean(variances: FloatArray, degrees: FloatArray) -> float:
    return float(degrees @ variances / degrees.sum())


def _chance_of(variances: FloatArray, squares: FloatArray, degrees: FloatArray) -> float:
    """That budgets which vary alike look as different as these, or more so."""
    groups, of_budgets, total = len(variances), degrees.sum(axis=0), degrees.sum()
    if groups < 2:
        return 1.0
    alike, fitted = (
        degrees.sum(axis=1) @ np.log(_of_methods(squares, degrees, of))
        for of in (np.ones(groups), variances)
    )
    statistic = alike - fitted - of_budgets @ np.log(variances)
    correction = 1 + ((1 / of_budgets).sum() - 1 / total) / (3 * (groups - 1))
    return float(special.chdtrc(groups - 1, statistic / correction))
