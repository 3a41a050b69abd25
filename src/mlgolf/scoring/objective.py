"""What one trial, and one study, is worth under the rules of its competition.

The sentence "minimise one quantity subject to bounds on others" is decided here and the same way
for every competition: the target that a time-to-target benchmark asks for is a bound like the
budget, and the objective is read at those evaluations where all bounds hold.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from mlgolf.core.arrays import BoolArray
from mlgolf.core.rules import Rules, WorkloadRules, constraint_target
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.trial import Study, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The objective's value that counts, and when it was measured.

    `value` is the worst there is (inf if the objective is minimised, -inf if maximised) where the
    constraints never held together; `seconds`, on the clock, is inf there.
    """

    value: float
    seconds: float

    @property
    def ever(self) -> bool:
        return math.isfinite(self.seconds)


def objective_goal(rules: Rules, numbers: WorkloadRules) -> Goal:
    """Which way the objective gets better; workloads declare it for their own metrics."""
    return rules.objective_quantity.goal or numbers.goal


def never(goal: Goal) -> Reached:
    return Reached(value=math.inf if goal is Goal.MINIMISE else -math.inf, seconds=math.inf)


def badness(reached: Reached, goal: Goal) -> tuple[float, float]:
    """Sorts the better first, and of equal values the one that was reached sooner."""
    return (reached.value if goal is Goal.MINIMISE else -reached.value), reached.seconds


def feasible_rows(
    trial: Trial, rules: Rules, numbers: WorkloadRules, *, budget_factor: float = 1.0
) -> BoolArray:
    """(evaluations,): where all constraints hold. NaN, so what was not measured, never does."""
    feasible = np.ones(len(trial.steps), dtype=bool)
    for constraint in rules.constraints:
        target = constraint_target(constraint, numbers, budget_factor=budget_factor)
        if target is not None:
            feasible &= target.met_by(trial.values(target.metric, numbers.metric))
    return feasible


def trial_result(
    trial: Trial, rules: Rules, numbers: WorkloadRules, *, budget_factor: float = 1.0
) -> Reached:
    """The best value of the objective at an evaluation where all constraints hold.

    With time as the objective this is the time to the target: the first such evaluation. Of equal
    values the earliest counts. A disqualified trial never reached anything; one that crashed keeps
    what was measured before.
    """
    goal = objective_goal(rules, numbers)
    values = trial.values(rules.objective, numbers.metric)
    feasible = feasible_rows(trial, rules, numbers, budget_factor=budget_factor)
    rows = np.flatnonzero(feasible & np.isfinite(values))
    if len(rows) == 0 or trial.status is Status.DISQUALIFIED:
        return never(goal)
    best = rows[values[rows].argmin() if goal is Goal.MINIMISE else values[rows].argmax()]
    return Reached(value=float(values[best]), seconds=float(trial.seconds[best]))


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """A study with the trial that won it; the first trial, where none got there."""

    study: Study
    winner: Trial
    reached: Reached


def study_result(study: Study, rules: Rules, numbers: WorkloadRules, ruleset: str) -> StudyResult:
    """The best of a study's trials; of equals the one with the smaller trial number."""
    goal = objective_goal(rules, numbers)
    factor = rules.tuning.under(ruleset).budget_factor
    results = [(trial_result(t, rules, numbers, budget_factor=factor), t) for t in study.trials]
    reached, winner = min(results, key=lambda pair: (badness(pair[0], goal), pair[1].key))
    return StudyResult(study=study, winner=winner, reached=reached)


def group_studies(trials: Iterable[Trial]) -> list[Study]:
    """Trials gathered into their studies, in the order of their keys."""
    in_order = sorted(trials, key=lambda trial: (*_study_key(trial), trial.key.trial))
    return [
        Study(submission=s, framework=f, workload=w, study=n, trials=tuple(members))
        for (s, f, w, n), members in groupby(in_order, key=_study_key)
    ]


def _study_key(trial: Trial) -> tuple[str, str, str, int]:
    key = trial.key
    return key.submission, key.framework, key.workload, key.study


def median_of_studies(studies: Sequence[Reached], goal: Goal) -> Reached:
    """The middle study by its value; of an even number, the mean of the two in the middle.

    Studies that never got there take part: if one of them is in the middle, the median is `never`.
    """
    ordered = sorted(studies, key=lambda reached: badness(reached, goal))
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return Reached(
        value=sum(m.value for m in middle) / len(middle),
        seconds=sum(m.seconds for m in middle) / len(middle),
    )
