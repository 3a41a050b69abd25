"""Runs of ours as measurements: what each submission reached at each budget, per study.

A study counts by one of its trials: the best at its own budget, or the trial whose point is best
at one budget for all of them, as somebody does who tunes once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from mlgolf.analysis.measurements import Measurements
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial

PointChoice = Literal["each", "shared"]
SECONDS = "seconds on the clock"


def measurements_of_runs(
    path: Path, competition: Competition, trials: Sequence[Trial], *,
    workload: str | None = None, split: str = "validation", points: PointChoice = "each",
) -> tuple[Measurements, Goal]:
    """The trials on one workload, at all of its budgets.

    Args:
      path: for errors.
      workload: as `played`; None if there is one only.
      split: whose metric is the quality, at the end of training.
      points: "each" budget has its best trial, or all "shared" the point that is best at the
        budget in the middle.
    Raises: RunFolderError, UnknownName.
    """
    chosen = _workload(competition, workload)
    rows = [row for row in competition.workloads if played(competition, row) == chosen]
    metric, goal = competition.workloads[rows[0]].metric, competition.workloads[rows[0]].goal
    column = f"{split}/{metric}"
    measured = [
        trial for trial in trials
        if trial.key.workload in rows and len(trial.seconds) and column in trial.metrics
    ]
    kept = [*_counted(measured, column, goal, rows, points)]
    if not kept:
        raise RunFolderError(f"{path}: no trial on {chosen} has measured {column}")
    tuned = {name: str(most) for name, most in _tuned(measured)}
    return Measurements(path, SECONDS, column, _frame(competition, kept, column, tuned)), goal


def played(competition: Competition, row: str) -> str:
    """The workload and size that a row plays: "imagenet_resnet", "finewebedu_lm mini_x4"."""
    workload, size = competition.played_as(row)
    return workload if size == competition.size else f"{workload} {size}"


def _workload(competition: Competition, asked: str | None) -> str:
    known = list(dict.fromkeys(played(competition, row) for row in competition.workloads))
    if asked is None and len(known) == 1:
        return known[0]
    if asked not in known:
        raise UnknownName("workload", asked or "", known=known, remedy="Choose one by --workload.")
    return asked


def _counted(
    trials: Sequence[Trial], column: str, goal: Goal, rows: Sequence[str], points: PointChoice
) -> Iterator[Trial]:
    """One trial of each study at each budget."""
    studies: dict[tuple[str, int], dict[str, list[Trial]]] = {}
    for trial in trials:
        by_row = studies.setdefault((trial.key.submission, trial.key.study), {})
        by_row.setdefault(trial.key.workload, []).append(trial)

    def best(of: Sequence[Trial]) -> Trial:
        return min(of, key=lambda trial: goal.sign * float(trial.metrics[column][-1]))

    for by_row in studies.values():
        budgets = [row for row in rows if row in by_row]
        number = best(by_row[budgets[len(budgets) // 2]]).key.trial
        for row in budgets:
            same = [trial for trial in by_row[row] if trial.key.trial == number]
            yield best(same if points == "shared" and same else by_row[row])


def _tuned(trials: Sequence[Trial]) -> Iterator[tuple[str, int]]:
    """By submission, the most trials that a study had at one budget."""
    for name in {trial.key.submission for trial in trials}:
        keys = [trial.key for trial in trials if trial.key.submission == name]
        yield name, max(Counter((key.workload, key.study) for key in keys).values())


def _frame(
    competition: Competition, trials: Sequence[Trial], column: str, tuned: Mapping[str, str]
) -> pl.DataFrame:
    return pl.DataFrame([
        {
            "line": number, "method": trial.key.submission, "seed": str(trial.key.study),
            "budget": trial.key.workload, "time": float(trial.seconds[-1]),
            "quality": float(trial.metrics[column][-1]),
            "hardware": competition.rules.hardware,
            "machine": str(trial.facts.machine.get("processor", "")),
            "clock": trial.facts.hardware.clock if trial.facts.hardware else "",
            "draw": trial.facts.data_sha256,
            "tuning_trials": tuned[trial.key.submission],
        }
        for number, trial in enumerate(trials, start=1)
    ])
