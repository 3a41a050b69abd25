"""What differs between runs, or between trials, and whether their results can be compared."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgolf.analysis.tracking.rows import OBJECTIVE, RunRow, TrialRow
from mlgolf.core.trial import Trial
from mlgolf.results.differences import leaves
from mlgolf.results.found_runs import FoundRun
from mlgolf.scoring.labels import different_machines

ABSENT, PRESENT = "–", "has it"
PRACTICE = "practice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A run, or one of its trials."""

    name: str  # its path
    run: FoundRun
    trials: tuple[Trial, ...]  # of the run all that can be read, or the one
    row: RunRow  # with these

    @property
    def is_trial(self) -> bool:
        return len(self.row.trials) == 1 and self.name == self.row.trials[0].trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    key: str
    values: tuple[str, ...]  # of each that is compared


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One submission on one workload: what each that is compared has of it."""

    workload: str
    submission: str
    framework: str
    quantity: str
    values: tuple[float | None, ...]  # median over studies of the best trial; None: not reached
    trials: tuple[int, ...]
    reached: tuple[int, ...]
    metric: str
    best: tuple[float | None, ...]  # of the validation metric
    seconds: tuple[float | None, ...]  # on the clock, of all trials


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    names: tuple[str, ...]
    differences: tuple[Difference, ...]
    results: tuple[ResultRow, ...]
    why_not: tuple[str, ...]  # why results are not comparable; empty: they are
    notes: tuple[str, ...]  # what a reader should know although they are

    @property
    def comparable(self) -> bool:
        return not self.why_not

    def as_json(self) -> dict[str, Any]:
        return {
            "compared": list(self.names), "comparable": self.comparable,
            "why_not": list(self.why_not), "notes": list(self.notes),
            "differences": [
                {"key": found.key, "values": list(found.values)} for found in self.differences
            ],
            "results": [
                {
                    "workload": row.workload, "submission": row.submission,
                    "framework": row.framework, "quantity": row.quantity,
                    "values": list(row.values), "trials": list(row.trials),
                    "reached": list(row.reached), "metric": row.metric, "best": list(row.best),
                    "seconds": list(row.seconds),
                }
                for row in self.results
            ],
        }  # fmt: skip


def compared(entries: Sequence[Compared]) -> RunComparison:
    """Of two or more."""
    return RunComparison(
        names=tuple(entry.name for entry in entries),
        differences=tuple(_differences(list(_all_facts(entries)))),
        results=tuple(_results(entries)),
        why_not=tuple(_why_not(entries)), notes=tuple(_notes(entries)),
    )


def _differences(facts: Sequence[Mapping[str, str]]) -> Iterator[Difference]:
    for key in dict.fromkeys(key for found in facts for key in found):
        values = tuple(found.get(key, ABSENT) for found in facts)
        if len(set(values)) > 1:
            yield Difference(key=key, values=values)


def _all_facts(entries: Sequence[Compared]) -> Iterator[dict[str, str]]:
    records = [entry.run.folder.record.as_json() for entry in entries if entry.run.folder]
    workloads = [record["competition"]["workloads"] for record in records]
    for entry, record, own in zip(entries, records, workloads, strict=True):
        # Of a workload that others lack, each number would be a row that says no more.
        known = {
            name: row if all(name in others for others in workloads) else PRESENT
            for name, row in own.items()
        }
        competition = {**record["competition"], "workloads": known}
        yield _facts(entry, {**record, "competition": competition})


def _facts(entry: Compared, record: dict[str, Any]) -> dict[str, str]:
    """All that is recorded besides results, by key."""
    assert entry.run.folder is not None
    record.pop("left_out", None)
    played = record.pop("submissions", {})
    calibration = record.pop("calibration", None)
    facts: dict[str, Any] = {"submissions": {
        name: {**asked, "sha256": asked.get("sha256", "")[:12]} for name, asked in played.items()
    }}  # fmt: skip
    if entry.is_trial:
        (trial,) = entry.row.trials
        facts = {
            "submission": trial.submission, **facts["submissions"].get(trial.submission, {}),
            "workload": trial.workload, "study": trial.study, "trial": trial.number,
            "trial_seed": trial.seed, "hyperparameters": dict(trial.hyperparameters) or None,
        }
    facts |= record
    facts["package_sha256"] = str(record.get("package_sha256", ""))[:12]
    if calibration and entry.run.folder.record.calibration:
        facts["machine_speed"] = f"{entry.run.folder.record.calibration.speed:.2f}"
    facts["machine"] = _machine(entry.trials)
    facts["versions"] = _versions(entry.trials)
    return dict(leaves(facts))


def _machine(trials: Sequence[Trial]) -> dict[str, Any]:
    names = ("processor", "cores", "memory_bytes", "kernel", "python", "energy")
    return {name: _told(trial.facts.machine.get(name) for trial in trials) for name in names}


def _versions(trials: Sequence[Trial]) -> dict[str, Any]:
    verdicts = [trial.verdict for trial in trials if trial.verdict]
    names = sorted({name for verdict in verdicts for name in verdict.versions})
    return {
        "mlgolf": _told(trial.facts.mlgolf_version for trial in trials),
        **{name: _told(verdict.versions.get(name) for verdict in verdicts) for name in names},
    }


def _told(values: Iterator[Any]) -> str:
    """What all say, or each of what they say."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value)) or ABSENT


def _results(entries: Sequence[Compared]) -> Iterator[ResultRow]:
    every = [trial for entry in entries for trial in entry.row.trials if trial.measures]
    keys = dict.fromkeys((t.workload, t.submission, t.framework) for t in every)
    for workload, submission, framework in keys:
        each = [
            [
                trial for trial in entry.row.trials
                if (trial.workload, trial.submission, trial.framework)
                == (workload, submission, framework) and trial.measures
            ]
            for entry in entries
        ]
        said = [trial for trials in each for trial in trials]
        yield ResultRow(
            workload=workload, submission=submission, framework=framework,
            quantity=_told(trial.measures for trial in said),
            values=tuple(map(_median_over_studies, each)),
            trials=tuple(map(len, each)),
            reached=tuple(sum(trial.reached for trial in trials) for trials in each),
            metric=_told(trial.metric for trial in said),
            best=tuple(_best(trials) for trials in each),
            seconds=tuple(_seconds(trials) for trials in each),
        )


def _median_over_studies(trials: Sequence[TrialRow]) -> float | None:
    """Of the best trial of each; None where half of the studies or more reached nothing."""
    if not trials:
        return None
    sign = trials[0].objective_goal.sign
    best: dict[int, float] = {}
    for trial in trials:
        cost = sign * trial.values[OBJECTIVE] if trial.reached else math.inf
        best[trial.study] = min(cost, best.get(trial.study, math.inf))
    middle = statistics.median(best.values())
    return sign * middle if math.isfinite(middle) else None


def _best(trials: Sequence[TrialRow]) -> float | None:
    name = "validation_metric"
    costs = [t.goal.sign * t.values[name] for t in trials if name in t.values]
    return trials[0].goal.sign * min(costs) if costs else None


def _seconds(trials: Sequence[TrialRow]) -> float | None:
    known = [trial.values["time"] for trial in trials if "time" in trial.values]
    return math.fsum(known) if known else None


def _why_not(entries: Sequence[Compared]) -> Iterator[str]:
    folders = [entry.run.folder for entry in entries if entry.run.folder]
    first = folders[0]
    if any(folder.competition.rules != first.competition.rules for folder in folders):
        yield "they were played under different rules: see competition.rules among the differences"
    if len({folder.record.ruleset for folder in folders}) > 1:
        yield "one has external tuning, the other tunes itself: their budgets differ"
    each = [{trial.workload for trial in entry.row.trials} for entry in entries]
    shared = set.intersection(*each)
    if not shared:
        yield "they have no workload in common"
    yield from _workload_differences(entries, sorted(shared))
    frameworks = {trial.framework for entry in entries for trial in entry.row.trials}
    if len(frameworks) > 1 and first.competition.rules.frameworks == "apart":
        yield "they are of different frameworks, whose times the rules do not compare"
    meters = {_counters(trial) for entry in entries for trial in entry.trials}
    if first.competition.rules.metered_quantities and len(meters) > 1:
        yield "their energy was counted by different meters"


def _workload_differences(entries: Sequence[Compared], shared: Sequence[str]) -> Iterator[str]:
    competitions = [entry.run.folder.competition for entry in entries if entry.run.folder]
    for name in shared:
        rows = [competition.workloads[name] for competition in competitions]
        sizes = {competition.played_as(name) for competition in competitions}
        if len(sizes) > 1 or any(row != rows[0] for row in rows):
            yield f"{name} has other numbers, data or sizes: see competition.workloads.{name}"


def _counters(trial: Trial) -> str:
    """What counted its energy."""
    metered = trial.verdict.clock.get("energy", {}) if trial.verdict else {}
    return ", ".join(metered.get("counters", ()))


def _notes(entries: Sequence[Compared]) -> Iterator[str]:
    trials = [trial for entry in entries for trial in entry.trials]
    if said := different_machines(trials):
        yield said
    draws = {trial.facts.data_sha256 for trial in trials if trial.facts.data_sha256}
    by_workload = {(t.key.workload, t.facts.data_sha256) for t in trials if t.facts.data_sha256}
    if len(draws) > len({workload for workload, _ in by_workload}):
        yield (
            "their data differ: each run draws its own held-out examples unless runs share --seed, "
            "so values differ by chance, too"
        )
    packages = {trial.facts.package_sha256 for trial in trials}
    if len(packages) > 1:
        yield "they were played by different versions of mlgolf: see package_sha256"
    for entry in entries:
        kinds = {bool(trial.facts.held_out == PRACTICE) for trial in entry.trials}
        if kinds == {True}:
            yield f"{entry.name} is practice: its held-out data could be known"
        yield from (f"{entry.name}: {stone}" for stone in entry.row.tombstones)
        for why in entry.row.unofficial:
            yield f"{entry.name} is unofficial: {why}"
        if not entry.is_trial and entry.row.state in ("unfinished", "being played"):
            yield f"{entry.name} is {entry.row.state}: {_ended(entry.row)}"
        for problem in entry.row.problems:
            yield f"{entry.name}: left out: {problem}"


def _ended(row: RunRow) -> str:
    return f"{row.ended} of {row.found.expected} trials have ended"
