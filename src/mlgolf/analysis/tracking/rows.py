"""Runs and trials as rows: what they are, how they ended, and the value of every quantity.

A trial's value of what only grows (time, energy, steps) is that of its end, of all else the best at
any evaluation, within its bounds or not; `objective` is what its rules count. A run's value of what
only grows is the sum over its trials, of all else the best of them, where they have one metric.
What a jury disqualified has no row, or, as a single trial, no values.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import MLGolfError
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.quantities import CLOCKS, JOULES, STEPS, Quantity, quantities
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial
from mlgolf.results.found_runs import FoundRun, FoundTrial
from mlgolf.scoring.jury import Tombstone, judged
from mlgolf.scoring.objective import TrialResults, objective_goal

OBJECTIVE = "objective"  # what the rules count, beside the quantities
PLANNED, UNFINISHED, BROKEN = "PLANNED", "UNFINISHED", "BROKEN"  # beside those of Status
TOTALS = {"seconds": "seconds", "cpu_seconds": "cpu", "wall_seconds": "wall", JOULES: "joules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """Null, or absent among the values: not known, not measured, or not reached."""

    run: str
    trial: str  # its folder
    competition: str
    submission: str
    workload: str
    framework: str
    study: int
    number: int
    seed: int | None
    status: str
    reason: str
    unofficial: str = ""
    disturbed: str = ""  # why its seconds may be too many
    to_repeat: bool = False  # for that reason
    begun: datetime | None = None  # when its run was
    metric: str = ""
    goal: Goal = Goal.MINIMISE  # of the workload's metric
    measures: str = ""  # the objective, by name
    objective_goal: Goal = Goal.MINIMISE
    reached: bool = False  # a value of the objective within all bounds
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)  # by quantity, and OBJECTIVE

    @property
    def has_ended(self) -> bool:
        """Whether it needs no repeat."""
        is_final = self.status in [*Status] and Status(self.status).is_final
        return is_final and not self.to_repeat

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run, "trial": self.trial, "competition": self.competition,
            "submission": self.submission, "workload": self.workload, "framework": self.framework,
            "study": self.study, "number": self.number, "seed": self.seed, "status": self.status,
            "reason": self.reason, "unofficial": self.unofficial,
            "disturbed": self.disturbed, "begun": _iso(self.begun),
            "objective": {
                "quantity": self.measures, "goal": self.objective_goal.value,
                "value": self.values.get(OBJECTIVE), "reached": self.reached,
            },
            "metric": self.metric, "hyperparameters": dict(self.hyperparameters),
            "quantities": {n: value for n, value in self.values.items() if n != OBJECTIVE},
        }  # fmt: skip


@dataclass(frozen=True)
class RunRow:
    """A run with those of its trials that were asked for."""

    found: FoundRun  # as it lies there, also what a jury disqualified
    trials: tuple[TrialRow, ...]
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def path(self) -> str:
        return str(self.found.path)

    @property
    def begun(self) -> datetime | None:
        return self.found.folder.record.begun if self.found.folder else None

    @property
    def competition(self) -> str:
        folder = self.found.folder
        return folder.competition.with_round(folder.competition.name) if folder else ""

    @property
    def submissions(self) -> tuple[str, ...]:
        return tuple(self.found.folder.record.submissions) if self.found.folder else ()

    @property
    def workloads(self) -> tuple[str, ...]:
        return tuple(self.found.folder.competition.workloads) if self.found.folder else ()

    @property
    def frameworks(self) -> tuple[str, ...]:
        record = self.found.folder.record if self.found.folder else None
        named = [record.framework] if record and record.framework else []
        return tuple(dict.fromkeys([*named, *(trial.framework for trial in self.trials)]))

    @cached_property
    def ends(self) -> Counter[str]:
        """How its trials ended, those that were asked for."""
        return Counter(trial.status for trial in self.trials)

    @property
    def ended(self) -> int:
        """Trials that need no repeat, whether they were asked for or not."""
        return sum(found.trial.has_ended for found in self.found.read if found.trial)

    @property
    def state(self) -> str:
        """One word or two; `problem` says more."""
        if self.found.folder is None:
            return "not a run" if self.found.problem.startswith("not a run") else "broken"
        if self.found.is_played:
            return "being played"
        if self.found.expected is None:
            return "imported"
        return "complete" if self.ended >= self.found.expected else "unfinished"

    @property
    def problems(self) -> tuple[str, ...]:
        broken = (trial.problem for trial in self.found.broken)
        return tuple(filter(None, [self.found.problem, *broken]))

    @cached_property
    def unofficial(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(t.unofficial for t in self.trials if t.unofficial))

    def value(self, name: str) -> float | None:
        """Of a quantity or the objective; None where its trials have none, or no common one."""
        known = [trial for trial in self.trials if name in trial.values]
        if not known:
            return None
        values = [trial.values[name] for trial in known]
        declared = quantities().get(name)
        if declared is not None and declared.accumulates:
            return math.fsum(values)
        same = {(t.workload, t.metric, t.measures) for t in known}
        if len(same) > 1:
            return None
        goal = goal_of(name, known[0])
        return min(values) if goal is Goal.MINIMISE else max(values)

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        return {
            "run": self.path, "state": self.state, "problems": list(self.problems),
            "competition": self.competition, "begun": _iso(self.begun),
            "submissions": list(self.submissions), "workloads": list(self.workloads),
            "frameworks": list(self.frameworks), "trials": len(self.trials),
            "ended": self.ended, "expected": self.found.expected, "ends": dict(self.ends),
            "reached": sum(trial.reached for trial in self.trials),
            "unofficial": list(self.unofficial),
            "values": {name: self.value(name) for name in names},
        }


def goal_of(name: str, row: TrialRow) -> Goal:
    """Which way a quantity gets better on a trial's workload."""
    if name == OBJECTIVE:
        return row.objective_goal
    declared = quantities().get(name)
    return (declared.goal if declared else None) or row.goal


def run_row(found: FoundRun, rulings: Sequence[JuryRuling] = ()) -> RunRow:
    """Args: rulings: of a jury, earliest first."""
    kept, tombstones = _judged(found, rulings)
    return RunRow(found, tuple(trial_rows(kept)), tombstones)


def _judged(
    found: FoundRun, rulings: Sequence[JuryRuling]
) -> tuple[FoundRun, tuple[Tombstone, ...]]:
    """The run without what is disqualified. Trials that cannot be read, or are to come, stay."""
    trials = [one.trial for one in found.read if one.trial]
    name = found.path.resolve().name
    jury = judged(trials, rulings, {trial.key: name for trial in trials})
    if not jury.tombstones:
        return found, ()
    left = {trial.key: trial for trial in jury.trials}
    kept = (
        replace(one, trial=left[one.trial.key]) if one.trial else one for one in found.trials
        if one.trial is None or one.trial.key in left
    )
    return replace(found, trials=tuple(kept)), jury.tombstones


def trial_rows(found: FoundRun) -> Iterator[TrialRow]:
    """A row for every trial of a run that has a folder, in the order of their paths."""
    if found.folder is None:
        return
    reader = _Reader(found)
    for trial in found.trials:
        yield reader.row(trial)


class _Reader:
    """What the trials of one run have in common."""

    def __init__(self, found: FoundRun) -> None:
        assert found.folder is not None
        self._run, record = found.path, found.folder.record
        self._competition = found.folder.competition
        self._name = self._competition.with_round(self._competition.name)
        self._begun = record.begun
        rules = self._competition.rules
        try:
            factor = rules.tuning.under(record.ruleset).budget_factor
        except MLGolfError:  # of a competition that has changed since
            factor = 1.0
        self._results = {
            name: TrialResults(rules, row, budget_factor=factor)
            for name, row in self._competition.workloads.items()
        }

    def row(self, found: FoundTrial) -> TrialRow:
        if found.trial is None:
            return self._without_a_trial(found)
        trial, key = found.trial, found.trial.key
        workload_rules = self._competition.workloads[key.workload]
        rules, values = self._competition.rules, values_of(trial, workload_rules)
        result = self._results[key.workload].of(trial)
        goal = objective_goal(rules, workload_rules)
        if math.isfinite(result.objective):
            values[OBJECTIVE] = goal.sign * result.objective
        return TrialRow(
            run=str(self._run), trial=str(found.path), competition=self._name,
            submission=key.submission, workload=key.workload, framework=key.framework,
            study=key.study, number=key.trial, seed=trial.seed,
            status=UNFINISHED if trial.status is None else trial.status.value,
            reason=trial.reason, unofficial=trial.unofficial, begun=self._begun,
            disturbed=trial.disturbed, to_repeat=trial.to_repeat,
            metric=workload_rules.metric, goal=workload_rules.goal, measures=rules.objective,
            objective_goal=goal, reached=OBJECTIVE in values,
            hyperparameters=trial.hyperparameters, values=values,
        )

    def _without_a_trial(self, found: FoundTrial) -> TrialRow:
        """By its path alone."""
        submission, study, played, number = found.path.relative_to(self._run).parts
        workload, _, framework = played.rpartition("_")
        return TrialRow(
            run=str(self._run), trial=str(found.path), competition=self._name,
            submission=submission, workload=workload, framework=framework,
            study=_number(study), number=_number(number), seed=None,
            status=BROKEN if found.problem else PLANNED,
            reason=found.problem or "it has not begun", begun=self._begun,
        )


def _number(name: str) -> int:
    digits = name.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else -1


def values_of(trial: Trial, row: WorkloadRules) -> dict[str, float]:
    """Of every quantity that was measured: at its end if it only grows, else the best."""
    found: dict[str, float] = {}
    for name, declared in quantities().items():
        column = declared.column_for(row.metric)
        if column not in trial.metrics and column not in (*CLOCKS, STEPS, JOULES):
            continue
        value = _value(trial, declared, column, row)
        if value is not None and math.isfinite(value):
            found[name] = value
    return found


def _value(
    trial: Trial, declared: Quantity, column: str, row: WorkloadRules
) -> float | None:
    total = trial.verdict.total if trial.verdict else None
    if total is not None and column in TOTALS:
        spent = getattr(total, TOTALS[column])
        scale = declared.scale(trial.facts.dollars_per_second)
        return None if spent is None else spent * scale
    values = trial.values(declared.name, row.metric)
    if declared.accumulates:
        return float(values[-1]) if len(values) else None
    return _best(values, declared.goal or row.goal)


def _best(values: FloatArray, goal: Goal) -> float | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    return float(finite.min() if goal is Goal.MINIMISE else finite.max())


def with_trials(row: RunRow, trials: Sequence[TrialRow]) -> RunRow:
    """The same run with some of its trials."""
    return replace(row, trials=tuple(trials))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
