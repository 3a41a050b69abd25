"""IsoFLOP: of runs that cost the same compute, which number of parameters ends lowest?

Per budget a parabola of the loss in the log of parameters, and its lowest point; over budgets a
line through these in logs, whose slope is the exponent a of the best number of parameters. It
needs no law, and is biased where sizes are far apart or not centred on the best one, since a
parabola is only the first term. A budget whose lowest point lies beyond its sizes tells nothing.

Source: Hoffmann et al. (2022), https://arxiv.org/abs/2203.15556, section 3.2.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.law import TRAINING_FLOP
from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.text import number_of

SAME = 0.15  # of compute: runs that differ by less from one of them share its budget
SAME_BUDGET = math.log1p(SAME)
FEWEST_RUNS = 4  # a parabola has 3 parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    flop: float  # the geometric mean of its runs
    runs: int
    params: float  # best number of them; NaN if the runs do not tell
    params_interval: Interval
    loss: float  # there
    why_not: str = ""  # what keeps the runs from telling


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoFlop:
    budgets: tuple[Budget, ...]
    exponent: float  # a: best parameters grow as C^a
    exponent_interval: Interval
    left_out: int  # runs that share their budget with too few others


def isoflop(
    runs: ScalingRuns, *, draws: int = 1000, confidence: float = CONFIDENCE, seed: int = 0
) -> IsoFlop:
    """Raises: ScoringError if fewer than two budgets tell their best number of parameters."""
    log_flop = np.log(TRAINING_FLOP * runs.params * runs.tokens)
    groups = [group for group in _groups(log_flop) if len(group) >= FEWEST_RUNS]
    weights = np.random.default_rng(seed).exponential(size=(draws, len(runs)))
    weights = np.concatenate([np.ones((1, len(runs))), weights])
    vertices = [
        _vertices(np.log(runs.params[group]), runs.loss[group], weights[:, group])
        for group in groups
    ]
    tail = (1 - confidence) / 2
    budgets = tuple(
        _budget(runs, float(log_flop[group].mean()), group, *vertex, tail)
        for group, vertex in zip(groups, vertices, strict=True)
    )
    told = [at for at, budget in enumerate(budgets) if not budget.why_not]
    if len(told) < 2:
        raise ScoringError(_too_few(budgets))
    centres = np.array([math.log(budgets[at].flop) for at in told])
    slopes = _slopes(centres, np.stack([vertices[at][0] for at in told], axis=1))
    return IsoFlop(
        budgets=budgets, exponent=float(slopes[0]), exponent_interval=_ends(slopes[1:], tail),
        left_out=len(runs) - sum(len(group) for group in groups),
    )  # fmt: skip


def _groups(log_flop: FloatArray) -> list[IntArray]:
    """Runs whose budgets are alike: the fullest group first, then the fullest of the rest."""
    left, groups = np.arange(len(log_flop)), []
    while len(left):
        near = np.abs(log_flop[left][:, None] - log_flop[left][None, :]) < SAME_BUDGET
        fullest = near[near.sum(axis=1).argmax()]
        groups.append(left[fullest])
        left = left[~fullest]
    return sorted(groups, key=lambda group: float(log_flop[group].mean()))


def _vertices(
    log_params: FloatArray, loss: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Where parabolas are lowest, and how low. Args: weights: (fits, runs). NaN: nowhere."""
    centre = log_params.mean()
    powers = np.vander(log_params - centre, 3, increasing=True)
    gram = np.einsum("fr,ri,rj->fij", weights, powers, powers)
    right = np.einsum("fr,ri,r->fi", weights, powers, loss)
    ridge = 1e-12 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    constant, linear, quadratic = np.linalg.solve(gram + ridge, right[..., None])[..., 0].T
    with np.errstate(divide="ignore", invalid="ignore"):
        where = np.where(quadratic > 0, -linear / (2 * quadratic), np.nan)
    return centre + where, constant + where * linear / 2


def _budget(
    runs: ScalingRuns, log_flop: float, group: IntArray, where: FloatArray, low: FloatArray,
    tail: float,
) -> Budget:  # fmt: skip
    smallest, largest = runs.params[group].min(), runs.params[group].max()
    best = math.exp(where[0]) if math.isfinite(where[0]) else math.nan
    if math.isnan(best):
        why_not = "the loss has no lowest point between its sizes"
    elif not smallest <= best <= largest:
        why_not = f"the lowest point, {best:.3g} parameters, lies beyond its sizes"
    else:
        why_not = ""
    ends = _ends(where[1:], tail)
    return Budget(
        flop=math.exp(log_flop), runs=len(group), params=math.nan if why_not else best,
        params_interval=(float(np.exp(ends[0])), float(np.exp(ends[1]))), loss=float(low[0]),
        why_not=why_not,
    )  # fmt: skip


def _ends(drawn: FloatArray, tail: float) -> Interval:
    """Of an interval. A draw that does not tell could lie beyond either end: it counts for both."""
    told = np.isfinite(drawn)
    low = np.quantile(np.where(told, drawn, -np.inf), tail, method="lower")
    high = np.quantile(np.where(told, drawn, np.inf), 1 - tail, method="higher")
    return float(low), float(high)


def _slopes(centres: FloatArray, where: FloatArray) -> FloatArray:
    """Of lines through (centres, where), leaving out budgets whose `where` is NaN.

    Args: where: (fits, budgets). Returns: (fits,), NaN where fewer than two budgets are left.
    """
    told = np.isfinite(where)
    count = told.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (told * centres).sum(axis=1) / count
        apart = np.where(told, centres - middle[:, None], 0.0)
        slopes = (apart * np.where(told, where, 0.0)).sum(axis=1) / (apart**2).sum(axis=1)
    return np.where(count < 2, np.nan, slopes)


def _too_few(budgets: tuple[Budget, ...]) -> str:
    alike = f"{FEWEST_RUNS} runs or more whose compute is within {SAME:.0%} of one another"
    if not budgets:
        return (
            f"found no compute budget with {alike}; isoFLOP needs two such budgets. Fit a law "
            "in place of it: leave out the form"
        )
    good = sum(not one.why_not for one in budgets)
    return (
        f"found {good} of {number_of(len(budgets), 'compute budget')} with the lowest loss among "
        "its sizes, 2 are needed at least: "
        + "; ".join(f"{one.flop:.3g} FLOP: {one.why_not}" for one in budgets if one.why_not)
        + f". Give runs of smaller and of larger sizes there; a budget counts with {alike}"
    )
