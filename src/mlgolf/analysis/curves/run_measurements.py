"""Runs of ours as measurements: what each submission reached at each budget, per study.

A study counts by one of its trials: the best at its own budget, or the trial whose point is best
at one budget for all of them, as somebody does who tunes once. How trials are chosen, whichever
split is shown, is decided in `study_points.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import polars as pl

from mlgolf.analysis.curves.measurements import Measurements, axis_column, grouped
from mlgolf.analysis.curves.pareto import Axis
from mlgolf.analysis.curves.study_points import (
    best,
    chosen_by,
    left_out,
    why_no_point,
    with_point_of,
)
from mlgolf.core.competition import Competition
from mlgolf.core.disturbance import MEANING
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.records import SHARED_MACHINE
from mlgolf.core.rules import Ruleset, WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission
from mlgolf.scoring.sources import Source

PointChoice = Literal["each", "shared"]
SECONDS = "seconds on the clock"


def measurements_of_runs(
    path: Path, source: Source, *, workload: str | None = None, split: str = "validation",
    points: PointChoice | None = None, axes: Sequence[Axis] = (),
) -> tuple[Measurements, Goal]:
    """The trials on one workload, at all of its budgets.

    Args:
      path: for errors.
      workload: as `Competition.played_in_words`; None if there is one only.
      split: whose metric is the quality, at the end of training.
      points: "each" budget has its best trial, or all "shared" the point that is best at one of
        them: where the run was tuned, else in the middle. None: shared where a run was tuned at
        one budget.
      axes: quantities, of which each trial has its value at the end.
    Raises: RunFolderError, UnknownName; ScoringError for trials that are not of one board.
    """
    competition = _with_all_frameworks(source.as_played())
    chosen = _workload(competition, workload)
    rows = _budgets(competition, chosen)
    first = next(iter(rows.values()))
    metric, goal = first.metric, first.goal
    found = source.admitted(competition, official_first=False)
    column = f"{split}/{metric}"
    why_not = {
        trial.key: why_no_point(trial, rows[trial.key.workload], column)
        for trial in found.trials if trial.key.workload in rows
    }
    trials = [trial for trial in found.trials if why_not.get(trial.key) == ""]
    said = left_out(why_not)
    if not trials:
        raise RunFolderError(
            f"{path}: no trial on {chosen} ended as planned with a {column}. "
            f"{'; '.join([*said, *found.all_notes])}"
        )
    tuned_at = next((row.tuned_at for row in rows.values() if row.tuned_at), None)
    if points == "shared" or (points is None and tuned_at is not None):
        at = tuned_at or _middle([*rows])
        kept, of_points = _shared(path, trials, chosen_by(first), goal, at)
        said += of_points
        tuned = {name: _only_at(at, most) for name, most in _tuned(found, rows).items()}
    else:
        kept = [*_counted(trials, chosen_by(first), goal, [*rows])]
        tuned = {name: str(most) for name, most in _tuned(found, rows).items()}
    kept.sort(key=lambda trial: _place(trial, source.names))
    frame = _frame(competition, source.ruleset, kept, column, tuned).with_columns(
        workload=pl.lit(chosen), **_on_axes(path, kept, metric, axes)
    )
    unofficial = (f"unofficial: {why}" for why in found.unofficial)
    notes = (*said, *found.all_notes, *unofficial, *_disturbed(kept))
    return Measurements(path, SECONDS, column, grouped(frame), notes, tuple(axes)), goal


def _place(trial: Trial, names: Sequence[str]) -> int:
    """As submissions were given to the run: the first is the baseline unless another is named."""
    name = trial.key.submission
    return names.index(name) if name in names else len(names)


def _disturbed(trials: Sequence[Trial]) -> Iterator[str]:
    """How many of each method, as what disturbed one more than another looks like its slowness."""
    counts: dict[str, list[bool]] = {}
    for trial in trials:
        counts.setdefault(trial.key.submission, []).append(bool(trial.disturbed))
    if any(map(any, counts.values())):
        each = (f"{sum(of)} of {len(of)} of {method}" for method, of in counts.items())
        yield f"disturbed trials ({', '.join(each)}): {MEANING}"


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


Studies = Mapping[tuple[str, int], Mapping[str, Sequence[Trial]]]  # -> row -> its trials


def _by_study(trials: Sequence[Trial]) -> Studies:
    studies: dict[tuple[str, int], dict[str, list[Trial]]] = {}
    for trial in trials:
        by_row = studies.setdefault((trial.key.submission, trial.key.study), {})
        by_row.setdefault(trial.key.workload, []).append(trial)
    return studies


def _counted(
    trials: Sequence[Trial], column: str, goal: Goal, rows: Sequence[str]
) -> Iterator[Trial]:
    """The best trial of each study at each budget."""
    for by_row in _by_study(trials).values():
        for row in rows:
            if row in by_row:
                yield best(by_row[row], column, goal)


def _middle(rows: Sequence[str]) -> str:
    """What chooses a shared point: one budget for all, as a point tuned for longer is better."""
    return rows[len(rows) // 2]


def _shared(
    path: Path, trials: Sequence[Trial], column: str, goal: Goal, at: str
) -> tuple[list[Trial], list[str]]:
    """Of each study the trials at every budget with the point that is best `at` one of them.

    Where that point has no trial at some budget, the study has none there: another trial would be
    one that was tuned for it.

    Returns: these, and notes on studies that have no such trial.
    Raises: RunFolderError where no study has a trial at the budget that chooses.
    """
    if all(trial.key.workload != at for trial in trials):
        raise RunFolderError(
            f"{path}: a shared point is the one of the trial that is best at {at}; no trial ended "
            "as planned there. Play it, or take --point each"
        )
    kept: list[Trial] = []
    without: list[str] = []  # studies that choose nothing
    lacking: dict[str, list[str]] = {}  # budget -> studies whose point has no trial there
    for (submission, study), by_row in _by_study(trials).items():
        name = f"{submission}/study_{study}"
        if at not in by_row:
            without.append(name)
            continue
        chosen = best(by_row[at], column, goal)
        for row, own in by_row.items():
            if (trial := with_point_of(chosen, own)) is not None:
                kept.append(trial)
            else:
                lacking.setdefault(row, []).append(name)
    notes = [f"the points are those that were best at {at}, at every budget"]
    if without:
        why = f"no trial ended as planned at {at}, which chooses the point"
        notes.append(f"{number_of(len(without), 'study')} left out: {why}: {', '.join(without)}")
    notes += [
        f"{number_of(len(names), 'study')} left out at {row}: no trial there has the point that "
        f"was best at {at}: {', '.join(names)}"
        for row, names in lacking.items()
    ]
    return kept, notes


def _tuned(found: Admission, rows: Mapping[str, WorkloadRules]) -> dict[str, int]:
    """By submission, the most trials that a study had at one budget, however they ended."""
    pool = found.pool
    at = [pool.workloads.index(name) for name in rows]
    counts = (pool.played | pool.ended)[:, at].sum(axis=-1).max(axis=(1, 2), initial=0)
    return {name: int(most) for name, most in zip(pool.submissions, counts, strict=True)}


def _only_at(row: str, trials: int) -> str:
    """The tuning of who searches at one budget: less than of who searches at each of them."""
    return f"{trials} at {row} alone" if trials > 1 else str(trials)


def _frame(
    competition: Competition, ruleset: Ruleset, trials: Sequence[Trial], column: str,
    tuned: Mapping[str, str],
) -> pl.DataFrame:
    rules = _rules_in_words(competition, ruleset)
    return pl.DataFrame([
        {
            "place": str(trial.key), "method": trial.key.submission, "seed": str(trial.key.study),
            "budget": trial.key.workload, "time": float(trial.seconds[-1]),
            "quality": float(trial.metrics[column][-1]),
            "hardware": competition.rules.hardware, "framework": trial.key.framework,
            "machine": str(trial.facts.machine.get("processor", "")),
            "clock": trial.facts.hardware.clock if trial.facts.hardware else "",
            "timing": _way_of_timing(trial),
            "sandbox": str(trial.verdict.sandbox.get("level", "")) if trial.verdict else "",
            "draw": trial.facts.data_sha256, "time_unit": "s", "quality_unit": column,
            "tuning_trials": tuned[trial.key.submission],
            "speed": trial.speed if trial.facts.calibration else None,
            "rules": rules, "code": trial.facts.submission_sha256,
            "bounds": str(sorted(competition.workloads[trial.key.workload].bounds.items())),
        }
        for trial in trials
    ])


def _rules_in_words(competition: Competition, ruleset: Ruleset) -> str:
    """Whose they are, and a fingerprint of them but for numbers of trials, facts of their own."""
    text = competition.rules.model_dump_json(by_alias=True, exclude={"tuning"})
    return f"{competition.name}, {ruleset} tuning ({sha256(text.encode()).hexdigest()[:6]})"


def _way_of_timing(trial: Trial) -> str:
    """As its run was told to time. That another program came along is noise, and no way."""
    if trial.verdict and "paired" in trial.verdict.clock:
        return "paired"
    return "in parallel" if SHARED_MACHINE in trial.facts.unofficial else "alone"
