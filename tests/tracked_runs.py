"""Runs on disk for tests of what keeps track of them: written as the referee writes, not played."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthetic_trials import competition, run_record

from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.records import (
    ClockTotal,
    DrawRecord,
    SubmissionRecord,
    TrialHeader,
    VerdictRecord,
)
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.run_folder import RunFolder, create_run
from mlgolf.results.trial_folder import TrialFolder

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
HARDWARE = load_hardware("one-thread-cpu")
MACHINE = {"processor": "Made up", "cores": 2, "memory_bytes": 8_000_000_000, "energy": "no meter"}


def written_run(
    path: Path, points: Sequence[dict[str, Any]], *, submission: str = "adamw",
    workload: str = "digits", values: Sequence[Sequence[float]] = (), joules: float | None = None,
    status: Status | None = Status.FINISHED, begun: datetime | None = DAY, ended: int | None = None,
    code: str = "a", rules: dict[str, Any] | None = None, trials: int | None = None,
    machine: dict[str, Any] = MACHINE, draw: str = "d",
) -> RunFolder:
    """A run with one trial for each of the points.

    Args:
      values: of the validation error of each trial, one a second; the target is 0.1.
      ended: how many trials have a verdict; None: all. trials: that were asked for; None: these.
      joules: that every second took; None without a meter.
    """
    record = run_record(
        competition=competition((workload,), **rules or {}), framework="torch", begun=begun,
        trials=len(points) if trials is None else trials, hardware=HARDWARE,
        submissions={submission: SubmissionRecord(
            framework="torch", sha256=64 * code, module="submission.py"
        )},
        held_out=DrawRecord(run=path.name, is_known=False, sha256=64 * "b"),
    )  # fmt: skip
    run, lock = create_run(path, record)
    lock.release()
    for number, point in enumerate(points, start=1):
        _write_trial(
            run, TrialKey(submission=submission, framework="torch", workload=workload, study=0,
                          trial=number),
            point, values[number - 1] if values else (0.5, 0.05), joules,
            status if ended is None or number <= ended else None,
            machine=machine, submission_sha256=64 * code, data_sha256=64 * draw,
        )  # fmt: skip
    return run


def _write_trial(
    run: RunFolder, key: TrialKey, point: dict[str, Any], values: Sequence[float],
    joules: float | None, status: Status | None, **facts: Any,
) -> None:
    store = TrialFolder(run.trial_path(key))
    store.begin(TrialHeader(
        key=key, seed=7, hyperparameters=point, ruleset="external", hardware=HARDWARE,
        size="mini", mlgolf_version="0.1.0", held_out="secret", **facts,
    ))  # fmt: skip
    for second, value in enumerate(values, start=1):
        store.append(Row(
            step=100 * second, model_sha256="c",
            reading=Reading(second, second, 2 * second, joules and joules * second),
            metrics={"validation/error_rate": value, "validation/loss": 2 * value},
        ))  # fmt: skip
    if status is not None:
        last, spent = len(values), joules and joules * len(values)
        store.finish(VerdictRecord(
            status=status, reason="done", clock={"rule": "cpu"}, versions={"torch": "2.13.0"},
            total=ClockTotal(seconds=last, cpu=last, wall=2 * last, joules=spent),
        ))  # fmt: skip
