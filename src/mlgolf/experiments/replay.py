"""Replay: repeat a recorded trial under its seed, and compare every value exactly.

One-thread training is bit-deterministic on one kind of processor, so values must be equal to the
last bit. Seconds are measured anew, and must agree as far as noise and the speeds of both machines
allow.
"""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.errors import RunFolderError
from mlgolf.core.hardware import HardwareClass, Reference, load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Play
from mlgolf.core.records import Calibration
from mlgolf.core.rules import paces_itself
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.experiments.planned import replay_plan
from mlgolf.experiments.run_data import RunData, recorded_data, run_has_ended
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import taken_cores
from mlgolf.referee.trial import play_trial
from mlgolf.results.places import check_that_it_is_a_trial, run_above
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_trial
from mlgolf.scoring.objective import row_that_counts

SLACK_SECONDS = 0.05  # by which a row may be off besides: starting takes its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Seconds on the clock at the last row, recorded and now, and how they compare.

    `ratio` is what is recorded over what is found now, both in seconds of the reference machine;
    None where they cannot be compared. `allowed` is how far from 1 it may be: the noise of the
    class, and the spread of both machines' probes. `doubts` are sentences about what else keeps
    the recorded seconds from being believed.
    """

    recorded: float
    now: float
    ratio: float | None
    allowed: float
    doubts: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        return self._close and not self.doubts

    @property
    def _close(self) -> bool:
        """By the ratio; what takes a tenth of a second differs by more than that in starting."""
        if self.ratio is None or _near(self.ratio, self.allowed):
            return True
        here = self.recorded / self.ratio  # what was found now, in seconds of the other machine
        slack = self.allowed * min(self.recorded, here) + SLACK_SECONDS
        return abs(self.recorded - here) <= slack

    def text(self) -> str:
        found = f"{self.recorded:.2f} recorded, {self.now:.2f} now"
        if self.ratio is None:
            compared = f"seconds are not compared: {found}"
        else:
            compared = (
                f"seconds {'agree' if self.agree else 'DIFFER'}: {found}; with both machines' "
                f"speeds the recorded ones are {self.ratio:.2f} times those now, and noise "
                f"explains a factor of up to {1 + self.allowed:.2f}"
            )
            if self._close and not _near(self.ratio, self.allowed):
                compared += f"; the rest is within the {SLACK_SECONDS:g} s by which starts differ"
        return "; ".join([compared, *self.doubts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found, of the recorded rows that it compares.

    `differences` are in words, at most one per row.
    """

    trial: str
    rows: int
    recorded_processor: str
    processor: str
    seconds: Seconds
    differences: tuple[str, ...]
    end: str = ""  # in words, where the program ended at another model, which was not the best
    deviation: float = 0.0  # largest relative difference of a value; inf where rows do not match
    elsewhere: tuple[str, ...] = ()  # what else than the trial differs, so that bits may, too

    @property
    def confirmed(self) -> bool:
        return self.rows > 0 and not self.differences and self.seconds.agree

    def text(self) -> str:
        if not self.differences:
            verdict = "confirmed" if self.confirmed else "NOT confirmed"
            return (
                f"{self.trial}: {verdict}. Values of {self.rows} evaluations are equal bit for "
                f"bit. {self.end}{self.seconds.text()}{self._whose_speed()}"
            )
        lines = [f"{self.trial}: NOT confirmed, {len(self.differences)} of {self.rows} rows differ"]
        lines += self.differences[:5]
        if self.processor != self.recorded_processor:
            lines.append(
                f"recorded on {self.recorded_processor}, replayed on {self.processor}: another "
                "kind of processor may round otherwise"
            )
        return "\n".join(lines)

    def _whose_speed(self) -> str:
        if self.processor == self.recorded_processor:
            return ""
        return (
            f"; it was recorded on {self.recorded_processor}, whose speed is known from that "
            "record alone"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "trial": self.trial,
            "confirmed": self.confirmed,
            "rows": self.rows,
            "differences": list(self.differences),
            "end": self.end,
            "seconds": {
                "recorded": self.seconds.recorded, "now": self.seconds.now,
                "ratio": self.seconds.ratio, "allowed": self.seconds.allowed,
                "agree": self.seconds.agree, "doubts": list(self.seconds.doubts),
            },
            "processor": self.processor,
            "recorded_processor": self.recorded_processor,
        }


def replay_trial(
    path: Path, data_dir: Path, files: Path | None = None, play: Play = play_trial
) -> Replay:
    """Args: files: as of `recorded_data`. play: plays the plan of the repetition.

    Raises: RunFolderError if it is no trial of a run, has no rows, or what it ran on changed.
    """
    with recorded_trial(path, data_dir, files) as of, scratch_folder() as scratch:
        plan = plan_again(of, scratch)
        again = play(plan)
        found = read_rows(plan.folder)
    trial, run, recorded = of.trial, of.run, of.rows
    hardware = load_hardware(run.competition.rules.hardware)
    end = _end_by_the_clock(run, trial, recorded, found)
    compares = recorded[:-1] if end else recorded
    schedule = _schedule_differences(run, trial)
    return Replay(
        trial=str(trial.key),
        rows=len(compares),
        end=end,
        recorded_processor=_processor(trial),
        processor=_processor(again),
        seconds=compared(trial, again, hardware),
        differences=(*schedule, *_differences(compares, found, trial, again)),
        deviation=math.inf if schedule else deviation(compares, found, again),
        elsewhere=tuple(_elsewhere(trial, again)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTrial:
    """A trial of a run that can be played again. Its data are there, its rows one or more."""

    path: Path
    trial: Trial
    run: RunFolder
    data: RunData
    rows: list[dict]

    @property
    def row_that_counts(self) -> int | None:
        """The number, from 0, of the evaluation that is scored; None if none is."""
        return _row_that_counts(self.run, self.trial)


@contextmanager
def recorded_trial(
    path: Path, data_dir: Path, files: Path | None = None, *, command: str = "replay"
) -> Iterator[RecordedTrial]:
    """Data that were drawn for its run are there until the block ends.

    Args: files: as of `recorded_data`. command: that was given the path, for its errors.
    Raises: RunFolderError if it is no trial of a run, has no rows, or what it ran on changed.
    """
    check_that_it_is_a_trial(path, command)
    path = path.resolve()
    trial, run = read_trial(path), _run_of(path)
    if trial.key.submission not in run.record.submissions:
        raise RunFolderError(f"{path}: run.json knows no submission {trial.key.submission!r}")
    if len(trial.steps) == 0:
        raise RunFolderError(
            f"{path}: no evaluation was recorded, so there is no model. How it ended: "
            f"{trial.reason}"
        )
    data = recorded_data(run, data_dir.resolve(), files).of(trial.key.workload)
    try:
        _check_data(path, trial, data)
        yield RecordedTrial(path=path, trial=trial, run=run, data=data, rows=read_rows(path))
    finally:
        if run_has_ended(run):
            data.discard()


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Where a trial is played again."""
    return tempfile.TemporaryDirectory(prefix="mlgolf-replay-")


def plan_again(of: RecordedTrial, scratch: str, until: int | None = None) -> TrialPlan:
    """The plan of its repetition in a folder. Args: until: as of `replay_plan`."""
    hardware = load_hardware(of.run.competition.rules.hardware)
    with taken_cores(hardware) as cores:
        calibration = calibrate(hardware, cores.numbers)
    waited = frozenset(row["step"] for row in of.rows if row.get("waited"))
    folder = Path(scratch) / "trial"
    return replay_plan(of.run, of.trial, of.data, calibration, folder, waited, until)


def _run_of(path: Path) -> RunFolder:
    above = run_above(path)
    if above is None:
        raise RunFolderError(f"{path}: no run.json above it. Give a trial's folder inside its run.")
    run = RunFolder(above)
    if not run.was_played:
        raise RunFolderError(f"{above} was imported: it has no code to replay a trial with.")
    return run


def _check_data(path: Path, trial: Trial, data: RunData) -> None:
    found, recorded = data.ensure()[trial.key.workload], trial.facts.data_sha256
    if found != recorded:
        raise RunFolderError(
            f"{path}: it was trained on data {recorded[:12]}…, those in {data.data_dir} are "
            f"{found[:12]}…. Make them with the seed that was used."
        )


def compared(trial: Trial, again: Trial, hardware: HardwareClass) -> Seconds:
    """A replay that ended early has fewer rows, and the last that both have is compared.

    What is recorded is what is in question, so the reference and the noise are the class's own.
    """
    rows = min(len(trial.steps), len(again.steps))
    recorded, now = (float(t.seconds[rows - 1]) if rows else math.nan for t in (trial, again))
    if hardware.reference is None or not rows:
        return Seconds(recorded=recorded, now=now, ratio=None, allowed=0.0)
    then, here = (_calibration(t, hardware.reference) for t in (trial, again))
    if then is None or here is None:
        doubt = "the trial records no probe of its machine's speed, so nothing confirms them"
        return Seconds(recorded=recorded, now=now, ratio=None, allowed=0.0, doubts=(doubt,))
    noise = hardware.reference.noise
    allowed = noise + min(then.spread, noise) + here.spread
    return Seconds(
        recorded=recorded, now=now, ratio=recorded * then.speed / (now * here.speed),
        allowed=allowed,
        doubts=(
            *_doubts_about_the_probe(trial, then, again, here, allowed),
            *_doubts_about_rows(trial, then.speed, again, here.speed, allowed),
        ),
    )


def _calibration(trial: Trial, reference: Reference) -> Calibration | None:
    probe = trial.facts.calibration
    return probe and probe.model_copy(update={"reference_seconds": reference.probe_seconds})


def _doubts_about_the_probe(
    trial: Trial, then: Calibration, again: Trial, here: Calibration, allowed: float
) -> Iterator[str]:
    if not math.isclose(trial.speed, then.speed):
        yield f"its machine's probe means a speed of {then.speed:.2f}, not {trial.speed:.2f}"
    apart = then.speed / here.speed
    if _processor(trial) == _processor(again) and not _near(apart, allowed):
        yield f"its machine, of the same kind, was {apart:.2f} times as fast as this one"


def _doubts_about_rows(
    trial: Trial, its_speed: float, again: Trial, our_speed: float, allowed: float
) -> Iterator[str]:
    """The first row whose seconds differ; its own noise is larger the earlier it comes."""
    rows = min(len(trial.steps), len(again.steps))
    recorded, now = trial.seconds[:rows] * its_speed, again.seconds[:rows] * our_speed
    off = np.flatnonzero(
        np.abs(recorded - now) > allowed * np.minimum(recorded, now) + SLACK_SECONDS
    )
    if len(off):
        row = off[0]
        found = f"{trial.seconds[row]:.2f} recorded, {again.seconds[row]:.2f} now"
        yield f"row {row + 1} differs: {found}"


def _near(ratio: float, allowed: float) -> bool:
    return 1 / (1 + allowed) <= ratio <= 1 + allowed


def _processor(trial: Trial) -> str:
    return str(trial.facts.machine.get("processor", "unknown"))


def _schedule_differences(run: RunFolder, trial: Trial) -> list[str]:
    """Rows that are missing, or that came at other moments than the rules ask for."""
    workload_rules = run.competition.workloads[trial.key.workload]
    if workload_rules.eval_every_steps is None:
        every = (workload_rules.eval_every_seconds or math.inf) / trial.speed
        free = paces_itself(run.record.submissions[trial.key.submission].contract)
        return _too_many_rows(trial, every) if free else _early_rows(trial, every)
    asked = np.array(_steps_asked(run, trial))
    if trial.status is Status.FINISHED:
        asked[-1] = trial.steps[-1]  # the last step of a submission that said it was done
    wrong = np.flatnonzero(asked != trial.steps)
    return [
        f"row {n + 1} is at step {trial.steps[n]}, the rules ask for {asked[n]}" for n in wrong[:1]
    ]


def _steps_asked(run: RunFolder, trial: Trial) -> list[int]:
    """At which the rules ask for each row of a schedule by steps."""
    rules, row = run.competition.rules, run.competition.workloads[trial.key.workload]
    factor = rules.tuning.under(run.record.ruleset).budget_factor
    steps = [0]
    for _ in trial.steps:
        due = rules.due_after(steps[-1], row, budget_factor=factor)
        assert due is not None
        steps.append(due)
    return steps[1:]


def _too_many_rows(trial: Trial, every: float) -> list[str]:
    """Of who submits when it likes: one is judged in each interval, the first, and the last."""
    allowed = 2 + int(trial.seconds[-1] / every)
    if len(trial.steps) <= allowed:
        return []
    return [f"{len(trial.steps)} submissions were judged, the rules allow {allowed}"]


def _early_rows(trial: Trial, every: float) -> list[str]:
    """Of a schedule by the clock: an evaluation is due after so many seconds."""
    passed = np.diff(trial.seconds, prepend=0.0)
    if trial.status is Status.FINISHED:
        passed[-1] = every  # the last row of a submission that said it was done
    early = np.flatnonzero(passed < every - SLACK_SECONDS)
    return [
        f"row {n + 1} is {passed[n]:.2f} s after the one before, the rules ask for {every:g} s"
        for n in early[:1]
    ]


def _end_by_the_clock(
    run: RunFolder, trial: Trial, recorded: list[dict], found: list[dict]
) -> str:
    """Empty unless a program that ends when it likes ended at another model than it had.

    One that asks how many seconds are left does. That model is the last, and none that counts.
    """
    last = len(recorded) - 1
    if not paces_itself(run.record.submissions[trial.key.submission].contract) or last < 1:
        return ""
    if trial.status is not Status.FINISHED or _row_that_counts(run, trial) == last:
        return ""
    then, now = recorded[last]["step"], found[last]["step"] if last < len(found) else None
    if then == now:
        return ""
    ended = "a model earlier" if now is None else f"at model {now}, not {then}"
    return f"It ended {ended}, as programs do that look at the clock; that one was not the best. "


def _row_that_counts(run: RunFolder, trial: Trial) -> int | None:
    rules, row = run.competition.rules, run.competition.workloads[trial.key.workload]
    factor = rules.tuning.under(run.record.ruleset).budget_factor
    targets = rules.targets(row, budget_factor=factor, speed=trial.speed)
    return row_that_counts(trial, targets, rules, row)


def _elsewhere(trial: Trial, again: Trial) -> Iterator[str]:
    """The processor, mlgolf and the libraries, where they are not those of the record."""
    then, now = map(_kind, (trial, again))
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            yield f"{name} {then[name]} there, {now[name]} here"


def _kind(trial: Trial) -> dict[str, str]:
    versions = trial.verdict.versions if trial.verdict else {}
    package = trial.facts.package_sha256
    mlgolf = {"mlgolf": f"{trial.facts.mlgolf_version} ({package[:12]}…)"} if package else {}
    return {"processor": _processor(trial), **mlgolf, **versions}


def deviation(recorded: list[dict], found: list[dict], again: Trial) -> float:
    """Over the rows and values that both have; who reached a target ends, maybe a row earlier."""
    if not found or (len(found) < len(recorded) and again.status is not Status.TARGET_REACHED):
        return math.inf
    pairs = [*zip(recorded, found, strict=False)]
    if any(then["step"] != now["step"] for then, now in pairs):
        return math.inf
    return max(
        (
            _apart(value, now["metrics"][name])
            for then, now in pairs for name, value in then["metrics"].items()
            if name in now["metrics"]
        ),
        default=math.inf,
    )


def _apart(one: float, other: float) -> float:
    """As a share of the larger."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    difference = abs(one - other) / max(abs(one), abs(other))
    return math.inf if math.isnan(difference) else difference


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
