"""Trials made up for tests of scoring, figures and reports: no training, no files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.records import RunRecord, TrialFacts, VerdictRecord
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey

TIME_TO_TARGET: dict[str, Any] = {
    "objective": "time",
    "constraints": [
        {"quantity": "validation_metric", "bound": "target"},
        {"quantity": "time", "bound": "budget_seconds"},
    ],
    "hardware": "one-thread-cpu",
    "tuning": {
        "external": {"trials": 5, "studies": 3}, "self": {"studies": 3, "budget_factor": 1.5},
    },
}


def workload_rules(**changes: Any) -> WorkloadRules:
    """Error rate down to 0.1 within 30 seconds; what is no field is a bound."""
    bounds = {"target": 0.1, "budget_seconds": 30.0}
    bounds |= {name: changes.pop(name) for name in set(changes) - set(WorkloadRules.model_fields)}
    usual = {
        "metric": "error_rate", "goal": "minimise", "step_hint": 1000, "eval_every_steps": 10,
        "provenance": "made up",
    }
    return WorkloadRules.model_validate({**usual, "bounds": bounds, **changes})


def competition(
    workloads: Sequence[str] | Mapping[str, WorkloadRules] = ("digits",), **rules: Any
) -> Competition:
    """Time to target, unless `rules` say otherwise."""
    if not isinstance(workloads, Mapping):
        workloads = {name: workload_rules() for name in workloads}
    return Competition(
        schema_version=2, name="tiny", title="Tiny", size="mini",
        rules=Rules.model_validate({**TIME_TO_TARGET, **rules}), workloads=dict(workloads),
    )


def run_record(**changes: Any) -> RunRecord:
    """run.json of a run of one trial."""
    asked = {
        "competition": competition(), "ruleset": "external", "submissions": {}, "trials": 1,
        "studies": 1, "sandbox": "process", "seed": 1,
    }
    return RunRecord(**asked | changes)


def trial(
    submission: str = "sgd", workload: str = "digits", study: int = 0, trial: int = 1, *,
    seconds: Sequence[float] = (), values: Sequence[float] = (), metric: str = "error_rate",
    framework: str = "torch", status: Status | None = Status.FINISHED,
    header: Mapping[str, Any] | None = None, **fields: Any,
) -> Trial:
    """A trial whose validation metric has `values` at `seconds` on the clock.

    `header` has what else is known of it: fields of TrialFacts, and of VerdictRecord.
    """
    known = dict(header or {})
    before = {name: known.pop(name) for name in set(known) & set(TrialFacts.model_fields)}
    verdict = VerdictRecord(status=status, reason="", **known) if status else None
    given = {
        "seed": 0, "hyperparameters": {}, "reason": "",
        "steps": np.arange(1, len(seconds) + 1),
        "seconds": np.asarray(seconds, dtype=float),
        "cpu_seconds": np.asarray(seconds, dtype=float),
        "wall_seconds": np.asarray(seconds, dtype=float),
        "metrics": {f"validation/{metric}": np.asarray(values, dtype=float)},
    }
    key = TrialKey(
        submission=submission, framework=framework, workload=workload, study=study, trial=trial
    )
    facts = TrialFacts(**before)
    return Trial(key=key, status=status, facts=facts, verdict=verdict, **{**given, **fields})


def reaching(submission: str, workload: str, times: Sequence[float], **fields: Any) -> list[Trial]:
    """One trial for each study, reaching the target of 0.1 after `times`; inf never does."""
    return [
        trial(submission, workload, study, seconds=[0.0, min(time, 30)],
              values=[0.9, 0.1 if time <= 30 else 0.5], **fields)
        for study, time in enumerate(times)
    ]


def plausible_run(
    workloads: Mapping[str, WorkloadRules], submissions: Sequence[str]
) -> list[Trial]:
    """Five noisy trials in each of three studies: some reach the target, some fail, one crashes."""
    rng = np.random.default_rng(1)
    return [
        _plausible_trial(rng, s, submission, workload, workload_rules, study, number)
        for s, submission in enumerate(submissions)
        for workload, workload_rules in workloads.items()
        for study in range(3)
        for number in range(1, 6)
    ]


def _plausible_trial(
    rng: np.random.Generator, skill: int, submission: str, workload: str,
    workload_rules: WorkloadRules, study: int, number: int,
) -> Trial:
    """An exponential fall to a floor near the target, slower for submissions further back."""
    pace = rng.lognormal(1.3 + 0.25 * skill, 0.4)
    floor = 1 - rng.lognormal(0.03 - 0.02 * skill, 0.04)
    seconds = np.linspace(0.2, workload_rules.bounds.get("budget_seconds", 30.0), 60)
    progress = np.exp(-seconds / pace) + floor + rng.normal(0, 0.008, 60)
    start = 0.9 if workload_rules.goal.value == "minimise" else 0.02
    target = workload_rules.bounds.get("target", 0.1)
    values = target + (start - target) * progress
    met = progress <= 0
    stop = int(met.argmax()) + 1 if met.any() else 60
    status = Status.TARGET_REACHED if met.any() else Status.OUT_OF_TIME
    reason = "all constraints hold" if met.any() else "the budget is used up"
    if rng.random() < 0.05:
        stop, status = stop // 2, Status.CRASHED
        reason = "RuntimeError: loss is not finite (submission.py, line 41)"
    return trial(
        submission, workload, study, number, seconds=seconds[:stop], values=values[:stop],
        metric=workload_rules.metric, status=status, reason=reason, seed=int(rng.integers(2**31)),
        hyperparameters={
            "learning_rate": float(10 ** rng.uniform(-4, -2)), "one_minus_beta1": 0.1,
            "weight_decay": float(10 ** rng.uniform(-3, 0)), "warmup_factor": 0.05,
        },
        header={
            "ruleset": "external",
            "machine": {"cpu": "AMD EPYC 9654", "cores": 2, "memory_bytes": 8 << 30},
            "clock": {"rule": "cpu"}, "versions": {"python": "3.11.7", "torch": "2.9.0"},
            "sandbox": {"level": "process", "freezing": "pid namespace"},
        },
    )
