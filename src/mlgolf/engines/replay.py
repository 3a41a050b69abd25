"""Replay: repeat a recorded trial under its seed, and compare every value exactly.

One-thread training is bit-deterministic on one kind of processor, so values must be equal to the
last bit; only seconds are measured anew.
"""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.errors import LedgerError
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.engines.run_data import RunData, recorded_data, run_has_ended
from mlgolf.engines.runs import replay_plan
from mlgolf.referee.trial import play_trial
from mlgolf.results.places import check_that_it_is_a_trial
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found. `differences` are in words, at most one per recorded row."""

    trial: str
    rows: int
    recorded_processor: str
    processor: str
    seconds: tuple[float, float]  # on the clock at the last row, recorded and now: not compared
    differences: tuple[str, ...]

    @property
    def confirmed(self) -> bool:
        return self.rows > 0 and not self.differences

    def text(self) -> str:
        if self.confirmed:
            before, now = self.seconds
            return (
                f"{self.trial}: values confirmed, {self.rows} evaluations equal bit for bit; "
                f"seconds are not compared: {before:.2f} recorded, {now:.2f} now"
            )
        lines = [f"{self.trial}: NOT confirmed, {len(self.differences)} of {self.rows} rows differ"]
        lines += self.differences[:5]
        if self.processor != self.recorded_processor:
            lines.append(
                f"recorded on {self.recorded_processor}, replayed on {self.processor}: another "
                "kind of processor may round otherwise"
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "trial": self.trial,
            "confirmed": self.confirmed,
            "rows": self.rows,
            "differences": list(self.differences),
            "seconds": {"recorded": self.seconds[0], "now": self.seconds[1]},
            "processor": self.processor,
            "recorded_processor": self.recorded_processor,
        }


def replay_trial(path: Path, data_dir: Path) -> Replay:
    """Raises: LedgerError if it is no trial of a run, has no rows, or its code or data changed."""
    check_that_it_is_a_trial(path)
    path = path.resolve()
    trial, run = read_trial(path), RunFolder(_run_above(path))
    if trial.key.submission not in run.record["submissions"]:
        raise LedgerError(f"{path}: run.json knows no submission {trial.key.submission!r}")
    if len(trial.steps) == 0:
        raise LedgerError(f"{path}: no evaluation was recorded, so there is nothing to compare")
    with tempfile.TemporaryDirectory(prefix="mlgolf-replay-") as scratch:
        data = recorded_data(run, data_dir.resolve()).of(trial.key.workload)
        _check_data(path, trial, data)
        plan = replay_plan(run, trial, data, Path(scratch) / "trial")
        again = play_trial(plan)
        found = read_rows(plan.folder)
        if run_has_ended(run):
            data.discard()
    recorded = read_rows(path)
    return Replay(
        trial=str(trial.key),
        rows=len(recorded),
        recorded_processor=trial.header["machine"]["processor"],
        processor=again.header["machine"]["processor"],
        seconds=(float(trial.seconds[-1]), float(again.seconds[-1]) if len(found) else math.nan),
        differences=(
            *_schedule_differences(run, trial), *_differences(recorded, found, trial, again)
        ),
    )


def _run_above(path: Path) -> Path:
    for folder in path.parents:
        if (folder / "run.json").exists():
            return folder
    raise LedgerError(f"{path}: no run.json above it. Give a trial's folder inside its run.")


def _check_data(path: Path, trial: Trial, data: RunData) -> None:
    found, recorded = data.ensure()[trial.key.workload], trial.header["data_sha256"]
    if found != recorded:
        raise LedgerError(
            f"{path}: it was trained on data {recorded[:12]}…, those in {data.data_dir} are "
            f"{found[:12]}…. Make them with the seed that was used."
        )


def _schedule_differences(run: RunFolder, trial: Trial) -> list[str]:
    """Rows that are missing, or at steps that the rules do not ask for."""
    every = run.competition.workloads[trial.key.workload].evaluation_steps
    asked = every * np.arange(1, len(trial.steps) + 1)
    if trial.status is Status.FINISHED:
        asked[-1] = trial.steps[-1]  # the last step of a submission that said it was done
    wrong = np.flatnonzero(asked != trial.steps)
    return [
        f"row {n + 1} is at step {trial.steps[n]}, the rules ask for {asked[n]}" for n in wrong[:1]
    ]


def _differences(
    recorded: list[dict], found: list[dict], trial: Trial, again: Trial
) -> list[str]:
    differences = []
    hit = Status.TARGET_REACHED
    if (trial.status is hit) != (again.status is hit) and len(found) >= len(recorded):
        differences.append(f"it ended as {trial.status}, the replay as {again.status}")
    for number, row in enumerate(recorded, start=1):
        if number > len(found):
            differences.append(f"row {number}: the replay ended before it: {again.reason}")
        elif difference := _row_difference(row, found[number - 1], number == len(recorded)):
            differences.append(f"row {number} (step {row['step']}): {difference}")
    return differences


def _row_difference(recorded: dict, found: dict, is_last: bool) -> str:
    """The first thing that differs, seconds left out; empty if nothing does."""
    for name in ("step", "model_sha256"):
        if recorded.get(name) != found[name]:
            return f"{name} was {recorded.get(name)}, is {found[name]}"
    absent = found["metrics"].keys() - recorded["metrics"].keys()
    if absent and not is_last:  # the end of a trial measures all splits, wherever it falls
        return f"{sorted(absent)[0]} is not in the log"
    for name, value in recorded["metrics"].items():
        now = found["metrics"].get(name, math.nan)
        if value != now and not (math.isnan(value) and math.isnan(now)):
            return f"{name} was {value!r}, is {now!r}"
    return ""
