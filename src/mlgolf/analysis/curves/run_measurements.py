"""Runs of ours as measurements: what each submission reached at each budget, per study.

A study counts by one of its trials: the best at its own budget, or the trial whose point is best
at one budget for all of them, as somebody does who tunes once. Trials are chosen by the validation
metric, whichever split is shown, and a trial that broke off is no point: its schedule was made for
more.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from mlgolf.analysis.curves.measurements import Measurements, axis_column, grouped
from mlgolf.analysis.curves.pareto import Axis
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, exclusion_notes
from mlgolf.scoring.sources import Source

PointChoice = Literal["each", "shared"]
SECONDS = "seconds on the clock"


def measurements_of_runs(
    path: Path, source: Source, *, workload: str | None = None, split: str = "validation",
    points: PointChoice = "each", axes: Sequence[Axis] = (),
) -> tuple[Measurements, Goal]:
    """The trials on one workload, at all of its budgets.

    Args:
      path: for errors.
      workload: as `Competition.played_in_words`; None if there is one only.
      split: whose metric is the quality, at the end of training.
      points: "each" budget has its best trial, or all "shared" the point that is best at the
        budget in the middle, the same one for all studies.
      axes: quantities, of which each trial has its value at the end.
    Raises: RunFolderError, UnknownName; ScoringError for trials that are not of one board.
    """
    competition = _with_all_frameworks(source.as_played())
    chosen = _workload(competition, workload)
    rows = _budgets(competition, chosen)
    metric, goal = next((row.metric, row.goal) for row in rows.values())
    found = source.admitted(competition, official_first=False)
    column = f"{split}/{metric}"
    why_not = {
        trial.key: _why_no_point(trial, rows[trial.key.workload], column)
        for trial in found.trials if trial.key.workload in rows
    }
    trials = [trial for trial in found.trials if why_not.get(trial.key) == ""]
    left_out = exclusion_notes(Counter(filter(None, why_not.values())))
    if not trials:
        raise RunFolderError(
            f"{path}: no trial on {chosen} ended as planned with a {column}. "
            f"{'; '.join([*left_out, *found.notes])}"
        )
    chosen_by = f"validation/{metric}"
    if points == "shared":
        kept, without = _shared(trials, chosen_by, goal, _middle(path, trials, [*rows]))
        left_out += without
    else:
        kept = [*_counted(trials, chosen_by, goal, [*rows])]
    frame = _frame(competition, kept, column, _tuned(found, rows)).with_columns(
        workload=pl.lit(chosen), **_on_axes(path, kept, metric, axes)
    )
    unofficial = (f"unofficial: {said}" for said in found.unofficial)
    notes = (*left_out, *found.notes, *unofficial)
    return Measurements(path, SECONDS, column, grouped(frame), notes, tuple(axes)), goal


def _on_axes(
    path: Path, trials: Sequence[Trial], metric: str, axes: Sequence[Axis]
) -> dict[str, pl.Series]:
    """Raises: RunFolderError for a quantity that a trial lacks at its end; UnknownName."""
    found = {}
    for number, axis in enumerate(axes):
        values = [float(trial.values(axis.name, metric)[-1]) for trial in trials]
        lacking = [str(trial.key) for trial, v in zip(trials, values, strict=True) if v != v]
        if lacking:
            raise RunFolderError(
                f"{path}: --pareto: {lacking[0]} has no {axis.name} at its end. Choose a quantity "
                "that every trial has, such as time, steps or validation_metric"
            )
        found[axis_column(number)] = pl.Series(values)
    return found


def _with_all_frameworks(competition: Competition) -> Competition:
    """Whether that is fair is judged with all else that differs."""
    rules = competition.rules.model_copy(update={"frameworks": "together"})
    return competition.model_copy(update={"rules": rules})


def _workload(competition: Competition, asked: str | None) -> str:
    known = list(dict.fromkeys(map(competition.played_in_words, competition.workloads)))
    if asked is None and len(known) == 1:
        return known[0]
    if asked not in known:
        raise UnknownName("workload", asked or "", known=known, remedy="Choose one by --workload.")
    return asked


def _budgets(competition: Competition, workload: str) -> dict[str, WorkloadRules]:
    """The rows that play a workload, from short to long."""

    def length(name: str) -> tuple[float, float]:
        row = competition.workloads[name]
        return row.number("step_limit") or 0.0, row.number("budget_seconds") or 0.0

    names = [
        name for name in competition.workloads if competition.played_in_words(name) == workload
    ]
    return {name: competition.workloads[name] for name in sorted(names, key=length)}


def _why_no_point(trial: Trial, row: WorkloadRules, column: str) -> str:
    """Why a trial tells nothing of its budget, as words after "left out: "; empty if it does."""
    as_planned = [Status.FINISHED, Status.TARGET_REACHED]
    if row.number("step_limit") is None:
        as_planned.append(Status.OUT_OF_TIME)  # time is what its budget is
    if trial.status not in as_planned:
        return f"{trial.status}, before its budget was used"
    values = trial.metrics.get(column)
    if values is None or not len(values) or not math.isfinite(values[-1]):
        return f"without a finite {column} at the end{_rarely_measured(column)}"
    return ""


def _rarely_measured(column: str) -> str:
    split = column.partition("/")[0]
    return "" if split == "validation" else (
        f": the {split} split is measured at every tenth evaluation, and where the bound on steps "
        f"ends a trial. Train until then, or leave out --quality {split}"
    )


Studies = Mapping[tuple[str, int], Mapping[str, Sequence[Trial]]]  # -> row -> its trials


def _by_study(trials: Sequence[Trial]) -> Studies:
    studies: dict[tuple[str, int], dict[str, list[Trial]]] = {}
    for trial in trials:
        by_row = studies.setdefault((trial.key.submission, trial.key.study), {})
        by_row.setdefault(trial.key.workload, []).append(trial)
    return studies


def _best(trials: Sequence[Trial], column: str, goal: Goal) -> Trial:
    """By its last value; one that was not measured, or is NaN, is the worst."""

    def cost(trial: Trial) -> float:
        last = goal.sign * float(trial.metrics.get(column, [math.nan])[-1])
        return math.inf if math.isnan(last) else last

    return min(trials, key=cost)


def _counted(
    trials: Sequence[Trial], column: str, goal: Goal, rows: Sequence[str]
) -> Iterator[Trial]:
    """The best trial of each study at each budget."""
    for by_row in _by_study(trials).values():
        for row in rows:
            if row in by_row:
                yield _best(by_row[row], column, goal)


def _middle(path: Path, trials: Sequence[Trial], rows: Sequence[str]) -> str:
    """The budget that chooses a shared point: one for all, as a point tuned for longer is better.

    Raises: RunFolderError where no study has a trial there.
    """
    row = rows[len(rows) // 2]
    if all(trial.key.workload != row for trial in trials):
        raise RunFolderError(
            f"{path}: --point shared takes the trial that is best at {row}, the budget in the "
            "middle; no trial ended as planned there. Play it, or take --point each"
        )
    return row


def _shared(
    trials: Sequence[Trial], column: str, goal: Goal, middle: str
) -> tuple[list[Trial], list[str]]:
    """Of each study the trial that is best at the budget in the middle, at every budget.

    Where that one is no point at some budget, the study has none there: another trial would be one
    that was tuned for it.

    Returns: these, and a note on studies that have no trial in the middle, so that none is chosen.
    """
    kept, without = [], []
    for (submission, study), by_row in _by_study(trials).items():
        if middle not in by_row:
            without.append(f"{submission}/study_{study}")
            continue
        number = _best(by_row[middle], column, goal).key.trial
        kept += [
            trial for own in by_row.values() for trial in own if trial.key.trial == number
        ]
    why = f"no trial ended as planned at {middle}, which chooses the point"
    notes = [f"{number_of(len(without), 'study')} left out: {why}: {', '.join(without)}"]
    return kept, notes if without else []


def _tuned(found: Admission, rows: Mapping[str, WorkloadRules]) -> dict[str, str]:
    """By submission, the most trials that a study had at one budget, however they ended."""
    pool = found.pool
    at = [pool.workloads.index(name) for name in rows]
    counts = (pool.played | pool.ended)[:, at].sum(axis=-1).max(axis=(1, 2), initial=0)
    return {name: str(most) for name, most in zip(pool.submissions, counts, strict=True)}


def _frame(
    competition: Competition, trials: Sequence[Trial], column: str, tuned: Mapping[str, str]
) -> pl.DataFrame:
    return pl.DataFrame([
        {
            "place": str(trial.key), "method": trial.key.submission, "seed": str(trial.key.study),
            "budget": trial.key.workload, "time": float(trial.seconds[-1]),
            "quality": float(trial.metrics[column][-1]),
            "hardware": competition.rules.hardware, "framework": trial.key.framework,
            "machine": str(trial.facts.machine.get("processor", "")),
            "clock": trial.facts.hardware.clock if trial.facts.hardware else "",
            "draw": trial.facts.data_sha256, "time_unit": "s", "quality_unit": column,
            "tuning_trials": tuned[trial.key.submission],
        }
        for trial in trials
    ])
