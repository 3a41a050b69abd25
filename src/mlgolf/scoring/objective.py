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
from mlgolf.core.competition import Competition
from mlgolf.core.rules import Constraint, Rules, WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal, Target
from mlgolf.core.trial import Trial


def objective_goal(rules: Rules, workload_rules: WorkloadRules) -> Goal:
    """Which way the objective gets better; workloads declare it for their own metrics."""
    return rules.objective_quantity.goal or workload_rules.goal


def par_beaten(
    competition: Competition, workload: str, submission: str, median: float
) -> str:
    """A sentence without its full stop if a median is better than par; else empty.

    Par is often a rounded value, so a median that is written the same is no better.
    """
    row, measured = competition.workloads[workload], competition.rules.objective_quantity
    if row.par is None or not math.isfinite(median):
        return ""
    goal = objective_goal(competition.rules, row)
    if goal.sign * median >= goal.sign * row.par.value:
        return ""
    found, par = measured.number(median), measured.number(row.par.value)
    if found == par:
        return ""
    return (
        f"{submission} beats par on {workload}: {found} against {par}. The host may set par anew"
    )


def feasible_rows(trial: Trial, targets: Iterable[Target], metric: str) -> BoolArray:
    """(evaluations,): where all targets are met. NaN, a missing value, never meets one."""
    feasible = np.ones(len(trial.steps), dtype=bool)
    for target in targets:
        feasible &= target.met_by(trial.values(target.metric, metric))
    return feasible


def row_that_counts(
    trial: Trial, targets: Iterable[Target], rules: Rules, workload_rules: WorkloadRules
) -> int | None:
    """The evaluation with the best value of the objective where the targets are met; None if none.

    With time as the objective it is the first such evaluation. Of equal values the earliest counts.
    A disqualified trial never reached anything; one that crashed keeps what was measured before.
    """
    values = trial.values(rules.objective, workload_rules.metric)
    feasible = feasible_rows(trial, targets, workload_rules.metric)
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
    bits: float = math.inf  # of the model that reached `objective`; inf where not measured
    joules: float = math.inf  # of the meter when `objective` was measured; inf where not measured


class TrialResults:
    """What scoring needs of the trials of one workload."""

    def __init__(
        self, rules: Rules, workload_rules: WorkloadRules, *, budget_factor: float = 1.0
    ) -> None:
        self._rules, self._workload_rules = rules, workload_rules
        self._budget_factor = budget_factor
        self._sign = 1.0 if objective_goal(rules, workload_rules) is Goal.MINIMISE else -1.0
        self._targets: dict[float, tuple[list[Target], list[Target] | None]] = {}  # by speed

    def of(self, trial: Trial, *, counts: bool = True) -> TrialResult:
        scores, chooses = self._targets_at(trial.speed)
        values = trial.values(self._rules.objective, self._workload_rules.metric)
        scored = row_that_counts(trial, scores, self._rules, self._workload_rules)
        chosen = scored
        if chooses is not None:
            chosen = row_that_counts(trial, chooses, self._rules, self._workload_rules)
        return TrialResult(
            submission=trial.key.submission, workload=trial.key.workload,
            study=trial.key.study, trial=trial.key.trial,
            objective=math.inf if scored is None else self._sign * float(values[scored]),
            seconds=math.inf if scored is None else float(trial.seconds[scored]),
            choice=math.inf if chosen is None else self._sign * float(values[chosen]),
            evaluation=math.inf if chosen is None else float(chosen),
            spent=_spent(trial),
            counts=counts,
            bits=math.inf if scored is None else _bits(trial, scored, self._workload_rules.metric),
            joules=math.inf if scored is None else _joules(trial, scored),
        )

    def _targets_at(self, speed: float) -> tuple[list[Target], list[Target] | None]:
        """Those that are scored, and those by which a study chooses, if they are others."""
        if speed not in self._targets:
            choosing = self._rules.trial_chosen_by
            self._targets[speed] = (
                self._targets_of(self._rules.constraints, speed),
                self._targets_of(choosing, speed) if choosing else None,
            )
        return self._targets[speed]

    def _targets_of(self, constraints: Iterable[Constraint], speed: float) -> list[Target]:
        return self._rules.targets(
            self._workload_rules, constraints, budget_factor=self._budget_factor, speed=speed
        )


def _spent(trial: Trial) -> float:
    """By its verdict, so what came after the last evaluation is counted, too."""
    last = float(trial.seconds[-1]) if len(trial.seconds) else 0.0
    return last if trial.total_seconds is None else trial.total_seconds


def _bits(trial: Trial, row: int, metric: str) -> float:
    """Of the model of one evaluation: with its labels, else of its file; inf if neither is known.

    A file counts for itself alone, so games that measure both are ordered by the first.
    """
    for name, bits_each in (("bits", 1), ("artifact_bytes", 8)):
        found = float(trial.values(name, metric)[row])
        if math.isfinite(found):
            return bits_each * found
    return math.inf


def _joules(trial: Trial, row: int) -> float:
    """By one evaluation; inf where no meter counted them."""
    found = math.nan if trial.joules is None else float(trial.joules[row])
    return found if math.isfinite(found) else math.inf


def trial_result(
    trial: Trial, rules: Rules, workload_rules: WorkloadRules, *, budget_factor: float = 1.0
) -> TrialResult:
    """What scoring needs of one trial."""
    return TrialResults(rules, workload_rules, budget_factor=budget_factor).of(trial)
