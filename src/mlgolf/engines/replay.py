"""Replay: repeat a recorded trial under its seed, and compare every value exactly.

One-thread training is bit-deterministic on one kind of processor, so values must be equal to the
last bit; only seconds are measured anew.
"""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.errors import LedgerError
from mlgolf.core.registry import load_workload
from mlgolf.core.trial import Trial
from mlgolf.data import layout
from mlgolf.engines.runs import replay_plan
from mlgolf.referee.freeze import Source, fingerprint
from mlgolf.referee.trial import play_trial
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found. `differences` are in words, at most one per recorded row."""

    trial: str
    rows: int
    recorded_processor: str
    processor: str
    differences: tuple[str, ...]

    @property
    def confirmed(self) -> bool:
        return self.rows > 0 and not self.differences

    def text(self) -> str:
        if self.confirmed:
            return f"{self.trial}: confirmed, {self.rows} evaluations equal bit for bit"
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
            "processor": self.processor,
            "recorded_processor": self.recorded_processor,
        }


def replay_trial(path: Path, data_dir: Path) -> Replay:
    """Raises: LedgerError if it is no trial of a run, has no rows, or its code or data changed."""
    path = path.resolve()
    trial, run = read_trial(path), RunFolder(_run_above(path))
    if len(trial.steps) == 0:
        raise LedgerError(f"{path}: no evaluation was recorded, so there is nothing to compare")
    with tempfile.TemporaryDirectory(prefix="mlgolf-replay-") as scratch:
        plan = replay_plan(run, trial, data_dir.resolve(), Path(scratch) / "trial")
        _check_inputs(path, plan.submission_file, trial, data_dir)
        again = play_trial(plan)
        found = read_rows(plan.folder)
    recorded = read_rows(path)
    return Replay(
        trial=str(trial.key),
        rows=len(recorded),
        recorded_processor=trial.header["machine"]["processor"],
        processor=again.header["machine"]["processor"],
        differences=tuple(_differences(recorded, found, again.reason)),
    )


def _run_above(path: Path) -> Path:
    for folder in path.parents:
        if (folder / "run.json").exists():
            return folder
    raise LedgerError(f"{path}: no run.json above it. Give a trial's folder inside its run.")


def _check_inputs(path: Path, module: Path, trial: Trial, data_dir: Path) -> None:
    """Replay what was run, or nothing."""
    code = fingerprint(Source(name=trial.key.submission, file=module))
    if code != trial.header["submission_sha256"]:
        raise LedgerError(f"{path}: the code in {module.parent} is not the code that was hashed")
    data = layout.check(load_workload(trial.key.workload), trial.header["size"], data_dir)
    if data != trial.header["data_sha256"]:
        raise LedgerError(
            f"{path}: it was trained on data {trial.header['data_sha256'][:12]}…, those in "
            f"{data_dir} are {data[:12]}…. Make them with the seed that was used."
        )


def _differences(recorded: list[dict], found: list[dict], reason: str) -> list[str]:
    differences = []
    for number, row in enumerate(recorded, start=1):
        if number > len(found):
            differences.append(f"row {number}: the replay ended before it: {reason}")
        elif difference := _row_difference(row, found[number - 1]):
            differences.append(f"row {number} (step {row['step']}): {difference}")
    return differences


def _row_difference(recorded: dict, found: dict) -> str:
    """The first thing that differs, seconds left out; empty if nothing does."""
    for name in ("step", "model_sha256"):
        if recorded[name] != found[name]:
            return f"{name} was {recorded[name]}, is {found[name]}"
    for name, value in recorded["metrics"].items():
        now = found["metrics"].get(name, math.nan)
        if value != now and not (math.isnan(value) and math.isnan(now)):
            return f"{name} was {value!r}, is {now!r}"
    return ""
