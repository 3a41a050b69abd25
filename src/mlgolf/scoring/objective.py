"""The objective value of one trial under the rules of its competition.

Every competition is "minimise one quantity subject to bounds on others", and this file applies it.
The target of a time-to-target benchmark is a bound like the budget. The objective is read at the
evaluations where all bounds hold.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import BoolArray
from mlgolf.core.rules import Constraint, Rules, WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial


def objective_goal(rules: Rules, workload_rules: WorkloadRules) -> Goal:
    """Which way the objective gets better; workloads declare it for their own metrics."""
    return rules.objective_quantity.goal or workload_rules.goal


def feasible_rows(
    trial: Trial, rules: Rules, workload_rules: WorkloadRules,
    constraints: Iterable[Constraint] | None = None, *, budget_factor: float = 1.0,
) -> BoolArray:
    """(evaluations,): where all constraints hold, those of the rules or those given.

    NaN, a missing value, never meets one.
    """
    feasible = np.ones(len(trial.steps), dtype=bool)
    for target in rules.targets(
        workload_rules, constraints, budget_factor=budget_factor, speed=trial.speed
    ):
        feasible &= target.met_by(trial.values(target.metric, workload_rules.metric))
    return feasible


def row_that_counts(
    trial: Trial, rules: Rules, workload_rules: WorkloadRules,
    constraints: Iterable[Constraint] | None = None, *, budget_factor: float = 1.0,
) -> int | None:
    """The evaluation with the best value of the objective where the constraints hold; None if none.

    With time as the objective it is the first such evaluation. Of equal values the earliest counts.
    A disqualified trial never reached anything; one that crashed keeps what was measured before.
    """
    values = trial.values(rules.objective, workload_rules.metric)
    feasible = feasible_rows(
        trial, rules, workload_rules, constraints, budget_factor=budget_factor
    )
    rows = np.flatnonzero(feasible & np.isfinite(values))
    if len(rows) == 0 or trial.status is Status.DISQUALIFIED:
        return None
    minimised = objective_goal(rules, workload_rules) is Goal.MINIMISE
    return int(rows[values[rows].argmin() if minimised else values[rows].argmax()])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A trial as numbers, read from logs or from a published table.

    `objective` is its objective value, smaller is better: what is maximised is negated; inf if the
    constraints never held. `choice` is the objective value by which a study selects its best trial;
    it differs only under rules that select by one target and score by another. `evaluation` is the
    index of the evaluation of `choice`.
    """

    submission: str
    workload: str
    study: int  # from 0
    trial: int  # from 1
    objective: float
    seconds: float  # on the clock when `objective` was measured; inf for never
    choice: float
    evaluation: float  # from 0; inf for never
    spent: float  # seconds on the clock in all
    ended: bool = True
    counts: bool = True  # False for one that ended and that the rules leave out


def trial_result(
    trial: Trial, rules: Rules, workload_rules: WorkloadRules, *, budget_factor: float = 1.0,
    counts: bool = True,
) -> TrialResult:
    """What scoring needs of a trial."""
    sign = 1.0 if objective_goal(rules, workload_rules) is Goal.MINIMISE else -1.0
    values = trial.values(rules.objective, workload_rules.metric)

    def row(constraints: Iterable[Constraint]) -> int | None:
        return row_that_counts(
            trial, rules, workload_rules, constraints, budget_factor=budget_factor
        )

    scored = row(rules.constraints)
    chooses = row(rules.trial_chosen_by) if rules.trial_chosen_by else scored
    return TrialResult(
        submission=trial.key.submission, workload=trial.key.workload,
        study=trial.key.study, trial=trial.key.trial,
        objective=math.inf if scored is None else sign * float(values[scored]),
        seconds=math.inf if scored is None else float(trial.seconds[scored]),
        choice=math.inf if chooses is None else sign * float(values[chooses]),
        evaluation=math.inf if chooses is None else float(chooses),
        spent=float(trial.seconds[-1]) if len(trial.seconds) else 0.0,
        counts=counts,
    )
