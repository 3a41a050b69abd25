"""Trials made up for tests of scoring, figures and reports: no training, no files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial, TrialKey

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
    """Error rate down to 0.1 within 30 seconds."""
    usual = {
        "metric": "error_rate", "goal": "minimise", "target": 0.1, "budget_seconds": 30,
        "step_hint": 1000, "eval_every_steps": 10, "provenance": "made up",
    }
    return WorkloadRules.model_validate({**usual, **changes})


def competition(
    workloads: Sequence[str] | Mapping[str, WorkloadRules] = ("digits",), **rules: Any
) -> Competition:
    """Time to target, unless `rules` say otherwise."""
    if not isinstance(workloads, Mapping):
        workloads = {name: workload_rules() for name in workloads}
    return Competition(
        schema_version=1, name="tiny", title="Tiny", size="mini",
        rules=Rules.model_validate({**TIME_TO_TARGET, **rules}), workloads=dict(workloads),
    )


def trial(
    submission: str = "sgd", workload: str = "digits", study: int = 0, trial: int = 1, *,
    seconds: Sequence[float] = (), values: Sequence[float] = (), metric: str = "error_rate",
    framework: str = "torch", status: Status | None = Status.FINISHED, **fields: Any,
) -> Trial:
    """A trial whose validation metric has `values` at `seconds` on the clock."""
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
    return Trial(key=key, status=status, **{**given, **fields})


def reaching(submission: str, workload: str, times: Sequence[float], **fields: Any) -> list[Trial]:
    """One trial for each study, reaching the target of 0.1 after `times`; inf never does."""
    return [
        trial(submission, workload, study, seconds=[0.0, min(time, 30)],
              values=[0.9, 0.1 if time <= 30 else 0.5], **fields)
        for study, time in enumerate(times)
    ]
