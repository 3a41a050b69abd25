"""Replay: repeat a recorded trial under its seed, and compare every value exactly.

One-thread training is bit-deterministic on one kind of processor, so values must be equal to the
last bit. Seconds are measured anew, and must agree as far as noise and the speeds of both machines
allow.
"""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.competition import load_hardware
from mlgolf.core.errors import LedgerError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.engines.run_data import RunData, recorded_data, run_has_ended
from mlgolf.engines.runs import replay_plan
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.players import player_cores
from mlgolf.referee.trial import play_trial
from mlgolf.results.places import check_that_it_is_a_trial
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Seconds on the clock at the last row, recorded and now, and how they compare.

    `ratio` is what is recorded over what is found now, both in seconds of the reference machine;
    None where one of the two machines was not probed. `allowed` is how far from 1 it may be: the
    noise of the class, and the spread of both machines' probes.
    """

    recorded: float
    now: float
    ratio: float | None
    allowed: float

    @property
    def agree(self) -> bool:
        return self.ratio is None or 1 / (1 + self.allowed) <= self.ratio <= 1 + self.allowed

    def text(self) -> str:
        found = f"{self.recorded:.2f} recorded, {self.now:.2f} now"
        if self.ratio is None:
            return f"seconds are not compared, since no probe tells both machines' speeds: {found}"
        compared = (
            f"{found}; with both machines' speeds the recorded ones are {self.ratio:.2f} times "
            f"those now, and noise explains a factor of up to {1 + self.allowed:.2f}"
        )
        return f"seconds agree: {compared}" if self.agree else f"seconds DIFFER: {compared}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found. `differences` are in words, at most one per recorded row."""

    trial: str
    rows: int
    recorded_processor: str
    processor: str
    seconds: Seconds
    differences: tuple[str, ...]

    @property
    def confirmed(self) -> bool:
        return self.rows > 0 and not self.differences and self.seconds.agree

    def text(self) -> str:
        if not self.differences:
            verdict = "confirmed" if self.confirmed else "NOT confirmed"
            return (
                f"{self.trial}: {verdict}. Values of {self.rows} evaluations are equal bit for "
                f"bit. {self.seconds.text()}"
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
            "seconds": {
                "recorded": self.seconds.recorded, "now": self.seconds.now,
                "ratio": self.seconds.ratio, "allowed": self.seconds.allowed,
                "agree": self.seconds.agree,
            },
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
    hardware = load_hardware(run.competition.rules.hardware)
    with tempfile.TemporaryDirectory(prefix="mlgolf-replay-") as scratch:
        data = recorded_data(run, data_dir.resolve()).of(trial.key.workload)
        _check_data(path, trial, data)
        calibration = calibrate(hardware, player_cores(hardware))
        plan = replay_plan(run, trial, data, calibration, Path(scratch) / "trial")
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
        seconds=_seconds(trial, again, hardware),
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


def _seconds(trial: Trial, again: Trial, hardware: HardwareClass) -> Seconds:
    """At the last row that both have: a replay that ended early has fewer."""
    rows = min(len(trial.steps), len(again.steps))
    recorded, now = (float(t.seconds[rows - 1]) if rows else math.nan for t in (trial, again))
    probes = [t.header.get("calibration") for t in (trial, again)]
    if hardware.reference is None or not all(probes) or not rows:
        return Seconds(recorded=recorded, now=now, ratio=None, allowed=0.0)
    return Seconds(
        recorded=recorded, now=now, ratio=recorded * trial.speed / (now * again.speed),
        allowed=hardware.reference.noise + sum(probe["spread"] for probe in probes if probe),
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
