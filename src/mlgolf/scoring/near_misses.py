"""How near a submission came to a target that it did not reach."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.rules import Constraint, Rules, WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal, Target
from mlgolf.core.trial import Trial
from mlgolf.scoring.objective import feasible_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """The best value within the budget, over the trials of all studies that missed the target."""

    workload: str  # perhaps a held-out variant of the cell's
    metric: str
    target: float
    best: float
    seconds: float  # on the clock, when the best value was first measured
    studies_missed: int
    studies: int


def near_miss(
    trials: Sequence[Trial], missed: Sequence[int], rules: Rules, workload_rules: WorkloadRules, *,
    budget_factor: float = 1.0,
) -> NearMiss | None:
    """How near the trials came to the first target that none of them reached.

    Args:
      trials: all of one submission on one workload that count.
      missed: numbers of the studies that did not reach the target.
    Returns: None if nothing was measured within the budget, or if each of several targets was
      reached, but not all at once.
    """
    tried = [t for t in trials if t.key.study in missed and t.status is not Status.DISQUALIFIED]
    budgets = [c for c in rules.constraints if c.bounded.accumulates]
    for constraint in rules.constraints:
        target = rules.target(constraint, workload_rules)
        if target is None or constraint in budgets:
            continue
        best = _best(tried, target, rules, budgets, workload_rules, budget_factor)
        if best is not None and not target.met(best[0]):
            measured = constraint.bounded
            return NearMiss(
                workload=tried[0].key.workload,
                metric=workload_rules.metric if measured.goal is None else measured.noun,
                target=target.value, best=best[0], seconds=best[1], studies_missed=len(missed),
                studies=len({trial.key.study for trial in trials}),
            )
    return None


def _best(
    trials: Iterable[Trial], target: Target, rules: Rules, budgets: Iterable[Constraint],
    workload_rules: WorkloadRules, budget_factor: float,
) -> tuple[float, float] | None:
    """The best value, and when it was first measured; of equal ones the earlier."""
    sign = 1.0 if target.goal is Goal.MINIMISE else -1.0
    found = []
    for trial in trials:
        values = trial.values(target.metric, workload_rules.metric)
        allowed = rules.targets(
            workload_rules, budgets, budget_factor=budget_factor, speed=trial.speed
        )
        within = feasible_rows(trial, allowed, workload_rules.metric)
        rows = np.flatnonzero(within & np.isfinite(values))
        if len(rows):
            row = rows[(sign * values[rows]).argmin()]
            found.append((sign * float(values[row]), float(trial.seconds[row])))
    if not found:
        return None
    value, seconds = min(found)
    return sign * value, seconds


def rounded_best(miss: NearMiss) -> str:
    """The best value in four digits, or in more if it would look as if it had met the target."""
    return rounded_beside(miss.best, miss.target)


def rounded_beside(value: float, bound: float) -> str:
    """A value in four digits, or in more where these would show it on the bound's other side."""
    near = abs(value - bound) < 1e-3 * abs(bound)
    if near:
        return f"{value:,.7g}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
