"""What one trial came to, where each is a result by itself: its verdict, and by what margin.

It asks the rules alone: what is minimised, and what is bounded. The numbers of the next trial do
not enter it, as they do where the best trial of a study counts.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.quantities import Quantity, quantity
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.status import RunVerdict, Status
from mlgolf.core.target import Goal, Target
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.near_misses import rounded_beside
from mlgolf.scoring.objective import feasible_rows, row_that_counts

_ENDED_BY = {
    Status.DISQUALIFIED: RunVerdict.DISQUALIFIED, Status.OUT_OF_TIME: RunVerdict.OUT_OF_TIME,
    Status.CRASHED: RunVerdict.CRASHED, Status.HUNG: RunVerdict.CRASHED,
    Status.OUT_OF_MEMORY: RunVerdict.CRASHED,
}  # fmt: skip
_TO_CHANGE = {
    RunVerdict.DISQUALIFIED: "use only what mlgolf hands to your program to speak to the referee",
    RunVerdict.REFUSED: "correct what the reason names, then start another run",
    RunVerdict.OUT_OF_TIME: "hand a model over earlier: what is judged in time counts",
    RunVerdict.CRASHED: "mend the error, or hand a model over before it",
    RunVerdict.NOT_QUALIFIED: "hand a model over before it ends: none was judged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A bound, and the value of one model beside it."""

    quantity: str
    value: float  # NaN where it was not measured
    bound: float
    goal: Goal
    met: bool

    @property
    def ratio(self) -> float | None:
        """The value over the bound; None where there is no such number."""
        return self.value / self.bound if self.bound and math.isfinite(self.value) else None

    @property
    def beyond(self) -> float:
        """How far the value is on the wrong side, as a share of the bound, or of 1 if that is 0.

        Negative where there is room; inf where the value is not finite.
        """
        if not math.isfinite(self.value):
            return math.inf
        return self.goal.sign * (self.value - self.bound) / (abs(self.bound) or 1.0)

    def as_json(self) -> dict[str, Any]:
        finite = self.value if math.isfinite(self.value) else None
        return {
            "quantity": self.quantity, "value": finite, "bound": self.bound, "ratio": self.ratio,
            "met": self.met,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """The verdict of one trial. The margins are of the model that counts, else of the nearest."""

    verdict: RunVerdict
    reason: str  # how it ended
    value: float | None  # of the objective; None unless it qualified
    seconds: float | None  # on the clock when the model of the margins was handed over
    models: int  # that were judged
    valid: int  # that keep all bounds
    margins: tuple[Margin, ...]  # in the order of the rules; empty if nothing was judged
    to_change: str  # a sentence without its full stop; empty if it qualified

    @property
    def qualified(self) -> bool:
        return self.verdict is RunVerdict.QUALIFIED

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.value, "value": self.value, "seconds": self.seconds,
            "reason": self.reason, "to_change": self.to_change, "models": self.models,
            "valid_models": self.valid, "margins": [margin.as_json() for margin in self.margins],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class QualifiedRun:
    """A trial by its key, and what it came to."""

    key: TrialKey
    seed: int
    result: Qualification
    disturbed: str = ""  # why its seconds may be too many

    def as_json(self) -> dict[str, Any]:
        disturbed = {"disturbed": self.disturbed} if self.disturbed else {}
        return {
            "submission": self.key.submission, "workload": self.key.workload,
            "study": self.key.study, "seed": self.seed, **self.result.as_json(), **disturbed,
        }


def qualified_runs(
    competition: Competition, trials: Iterable[Trial], ruleset: str
) -> tuple[QualifiedRun, ...]:
    """What each trial came to, in the order of their keys; none under rules that choose among them.

    Args: trials: those that count, on workloads of the competition.
    """
    rules = competition.rules
    if not rules.tuning.stands_alone(ruleset):
        return ()
    factor = rules.tuning.under(ruleset).budget_factor
    found = []
    for trial in sorted(trials, key=lambda trial: trial.key):
        row = competition.workloads[trial.key.workload]
        result = qualification(trial, rules, row, budget_factor=factor)
        if result is not None:
            found.append(QualifiedRun(
                key=trial.key, seed=trial.seed, result=result, disturbed=trial.disturbed
            ))  # fmt: skip
    return tuple(found)


def qualification(
    trial: Trial, rules: Rules, workload_rules: WorkloadRules, *, budget_factor: float = 1.0
) -> Qualification | None:
    """The verdict of a trial; None if it has not ended, or something outside cut it short."""
    if not trial.has_ended:
        return None
    metric = workload_rules.metric
    targets = rules.targets(workload_rules, budget_factor=budget_factor, speed=trial.speed)
    values = {target.metric: trial.values(target.metric, metric) for target in targets}
    objective = trial.values(rules.objective, metric)
    counts = row_that_counts(trial, targets, rules, workload_rules)
    shown = _nearest(targets, values) if counts is None else counts
    verdict = _verdict(trial, qualified=counts is not None)
    valid = feasible_rows(trial, targets, metric) & np.isfinite(objective)
    return Qualification(
        verdict=verdict,
        reason=trial.reason,
        value=None if counts is None else float(objective[counts]),
        seconds=None if shown is None else float(trial.seconds[shown]),
        models=len(trial.steps),
        valid=int(valid.sum()),
        margins=() if shown is None else tuple(
            _margin(target, values[target.metric], shown) for target in targets
        ),
        to_change="" if counts is not None else _to_change(
            verdict, targets, values, shown, rules, workload_rules
        ),
    )


def _verdict(trial: Trial, *, qualified: bool) -> RunVerdict:
    """What was judged counts, however the trial ended, unless it cannot be believed."""
    if qualified:
        return RunVerdict.QUALIFIED
    if trial.broke_contract:
        return RunVerdict.REFUSED
    return _ENDED_BY.get(trial.status, RunVerdict.NOT_QUALIFIED)  # type: ignore[arg-type]


def _margin(target: Target, values: FloatArray, row: int) -> Margin:
    value = float(values[row])
    return Margin(
        quantity=target.metric, value=value, bound=target.value, goal=target.goal,
        met=target.met(value),
    )


def _nearest(targets: list[Target], values: dict[str, FloatArray]) -> int | None:
    """The evaluation whose worst bound is missed by least; the earliest of equals."""
    rows = range(min((len(found) for found in values.values()), default=0))
    return min(
        rows, default=None,
        key=lambda row: max(_margin(t, values[t.metric], row).beyond for t in targets),
    )


def _to_change(
    verdict: RunVerdict, targets: list[Target], values: dict[str, FloatArray], shown: int | None,
    rules: Rules, workload_rules: WorkloadRules,
) -> str:
    """What kept the nearest model from qualifying, and what would help."""
    fatal = verdict in (RunVerdict.DISQUALIFIED, RunVerdict.REFUSED)
    if shown is None or fatal:
        return _TO_CHANGE[verdict]
    missed = [t for t in targets if not t.met(float(values[t.metric][shown]))]
    if not missed:  # of the objective itself nothing finite was measured
        return f"hand over models whose {rules.objective_quantity.noun} is a finite number"
    worst = max(missed, key=lambda t: _margin(t, values[t.metric], shown).beyond)
    others = [t for t in targets if t is not worst and not quantity(t.metric).accumulates]
    counted = [f"{_how_many_met(t, values[t.metric])} met {t.metric}" for t in others]
    unit = workload_rules.unit(worst.metric)
    return "; ".join([_what_lacks(worst, values[worst.metric], shown, rules, unit), *counted])


def _what_lacks(
    worst: Target, values: FloatArray, shown: int, rules: Rules, unit: str
) -> str:
    bound = quantity(worst.metric).given(worst.value) + ("" if unit == "1" else f" {unit}")
    asked = f"{worst.goal.limit} {bound} is asked"
    finite = values[np.isfinite(values)]
    if not len(finite):
        return f"{worst.metric} is never a finite number, {asked}: look for what diverges"
    best = float(finite[(worst.goal.sign * finite).argmin()])
    if worst.met(best):  # by a model that misses another bound
        found = float(values[shown])
        return (
            f"no model keeps all bounds at once: in the nearest {worst.metric} is "
            f"{rounded_beside(found, worst.value)}, {asked}"
        )
    found = rounded_beside(best, worst.value)
    return f"{worst.metric} is {found} at best, {asked}: {_advice(quantity(worst.metric), rules)}"


def _advice(missed: Quantity, rules: Rules) -> str:
    if missed.accumulates:
        return "be done sooner"
    if missed.measure:
        return "make the weights smaller or fewer"
    penalised = rules.objective_quantity.measure
    return "lower the penalty or train longer" if penalised else "train longer"


def _how_many_met(target: Target, values: FloatArray) -> str:
    return f"{int(target.met_by(values).sum())} of {number_of(len(values), 'model')}"
