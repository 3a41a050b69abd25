"""Opens what an ablation is read from: run folders, or anybody's table.

A run tells its combinations by the names of its submissions. A study counts by its best trial, as
on a leaderboard. A table has a column `methods` ("colout+ema"; "none"), a column `time` or
`quality`, and may have `workload`, `seed`, `budget` and `tuning_trials`.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.analysis.ablation.experiment import NONE, Experiment, Reached, Value, cell_of, name_of
from mlgolf.analysis.ablation.inert import inert_methods
from mlgolf.analysis.units import WIDE, fractions_beside_percents, widest_gap
from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.jury_ruling import check_rulings_are_of_runs
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial
from mlgolf.results.measurement_table import (
    LINE,
    SUFFIXES,
    Column,
    check_seeds_once,
    columns_given,
    columns_of,
    place_of,
    read_measurements,
)
from mlgolf.scoring.admission import Admission
from mlgolf.scoring.sources import Source, open_source
from mlgolf.scoring.studies import chosen_trials, study_values

NAMES = (
    Column(name="methods", is_number=False),
    Column(name="workload", is_number=False, optional=True),
    Column(name="seed", is_number=False, optional=True),
    Column(name="tuning_trials", optional=True, positive=True),
)
TIME = Column(name="time", positive=True, may_fail=True, option="--time")
BUDGET = Column(name="budget", positive=True, optional=True)
QUALITY = Column(name="quality", may_fail=True, option="--quality")


def open_experiment(
    paths: Sequence[Path], *, time: str | None = None, quality: str | None = None,
    goal: Goal | None = None, workloads: Sequence[str] = (), rulings: Path | None = None,
) -> Experiment:
    """Args:
      time, quality, goal: of a table: what its columns are called, and which way is better.
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.

    Raises: MLGolfError for what cannot be read, or is no ablation.
    """
    if len(paths) == 1 and paths[0].suffix in SUFFIXES:
        check_rulings_are_of_runs(rulings, paths[0])
        return _of_table(paths[0], time, quality, goal or Goal.MAXIMISE, workloads)
    if time or quality or goal:
        raise RunFolderError(
            f"{paths[0]}: --time, --quality and --goal are for tables; runs have their rules"
        )
    source = open_source(paths, None, None, command="ablate", rulings=rulings)
    return of_runs(paths[0], source, workloads)


def of_runs(path: Path, source: Source, workloads: Sequence[str] = ()) -> Experiment:
    """Args: path: for errors. Raises: RunFolderError for what is no ablation."""
    competition = source.as_played()
    found = source.admitted(competition, official_first=False)
    pool = found.pool
    lost = [str(one) for one in found.tombstones if one.submission in source.jury.excluded]
    if lost:
        raise RunFolderError(f"{path}: every combination is needed. {'; '.join(lost)}")
    if NONE not in pool.submissions:
        raise RunFolderError(
            f"{path}: found the submissions {', '.join(pool.submissions)}; an ablation has one "
            f"called {NONE!r}, and the others by their methods, as {'ema+mixup'!r}. Make one with: "
            "mlgolf ablate SUBMISSION --methods ema,mixup --workload NAME"
        )
    _check_known(workloads, pool.workloads)
    _check_that_all_trained(path, source.trials)
    chosen = chosen_trials(pool, competition.rules.aggregation.interpretations)
    costs = study_values(pool, pool.objective, chosen)
    trials = (pool.played | pool.ended).sum(axis=-1).astype(float)  # who crashed was tuned, too
    grows = competition.rules.objective_quantity.accumulates
    objective = competition.rules.objective
    unknown = np.full_like(costs[:, 0], np.nan)
    rows = [
        Reached(
            workload=name, costs=costs[:, at], trials=trials[:, at],
            limits=_longest(competition, found, name) if grows else unknown,
            matched=True,
            name=objective if grows else competition.workloads[name].metric,
        )
        for at, name in enumerate(pool.workloads) if name in (workloads or pool.workloads)
    ]
    cells = tuple(map(cell_of, pool.submissions))
    return Experiment(
        source=path, cells=cells,
        value="log_time" if grows else "quality", reached=tuple(rows),
        notes=(
            *_not_tuned(trials, _points(source.trials)), *found.all_notes,
            *(f"unofficial: {said}" for said in found.unofficial),
        ),
        inert=tuple(
            inert for row in rows
            for inert in inert_methods(row.workload, cells, _models(found, chosen, row.workload))
        ),
    )


def _models(found: Admission, chosen: IntArray, workload: str) -> list[dict[int, tuple[str, ...]]]:
    """Of each submission, by study: the models of the trial that counts, at its evaluations."""
    models: list[dict[int, tuple[str, ...]]] = [{} for _ in found.pool.submissions]
    for trial in found.trials:
        place = found.pool.place(trial.key)
        if trial.key.workload == workload and place and chosen[place[:-1]] == place[-1]:
            models[place[0]][trial.key.study] = trial.model_sha256
    return models


def _points(trials: Sequence[Trial]) -> int:
    """The most that a combination was tried with on a workload."""
    tried: dict[tuple[str, str], set[str]] = {}
    for trial in trials:
        point = json.dumps(dict(trial.hyperparameters), sort_keys=True, default=str)
        tried.setdefault((trial.key.submission, trial.key.workload), set()).add(point)
    return max(map(len, tried.values()), default=0)


def _not_tuned(trials: FloatArray, points: int | None = None) -> Iterator[str]:
    """Args: trials: of studies, 0 where unknown. points: different ones; None: unknown."""
    if points == 1 or trials.max(initial=0.0) == 1:
        what = "1 point" if points == 1 else "1 trial a study"
        yield (
            f"{what}: not tuned. A method that needs other hyperparameters than those looks worse "
            "than it is"
        )


def _check_that_all_trained(path: Path, trials: Sequence[Trial]) -> None:
    """A combination that cannot run on a workload is no slow one: nothing is known of it."""
    by_cell: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        by_cell.setdefault((trial.key.submission, trial.key.workload), []).append(trial)
    for (submission, workload), found in by_cell.items():
        ended = [trial for trial in found if trial.status is not None]
        if ended and not any(len(trial.seconds) for trial in found):
            raise RunFolderError(
                f"{path}: {submission} never came to an evaluation on {workload}: "
                f"{ended[0].reason} Leave out a method that does not fit, or the workload"
            )


def _longest(competition: Competition, found: Admission, workload: str) -> FloatArray:
    """(submissions, studies): the most that a trial of each spent; NaN where none was evaluated.

    Not the budget of the rules: where steps run out first, nobody can spend as much.
    """
    metric, objective = competition.workloads[workload].metric, competition.rules.objective
    spent = np.full((len(found.pool.submissions), found.pool.played.shape[2]), np.nan)
    for trial in found.trials:
        values = trial.values(objective, metric)
        if trial.key.workload == workload and np.isfinite(values).any():
            at = found.pool.submissions.index(trial.key.submission), trial.key.study
            spent[at] = np.fmax(spent[at], np.nanmax(values))
    return spent


def _of_table(
    path: Path, time: str | None, quality: str | None, goal: Goal, workloads: Sequence[str]
) -> Experiment:
    timed = bool(time) or "time" in columns_of(path)
    value: Value = "log_time" if timed and not quality else "quality"
    measured = (TIME, BUDGET) if value == "log_time" else (QUALITY,)
    columns = columns_given((*NAMES, *measured), {"time": time, "quality": quality})
    rows = read_measurements(path, columns)
    sign = 1.0 if value == "log_time" else goal.sign
    name = (time or "time") if value == "log_time" else (quality or "quality")
    rows = rows.with_columns(cost=_cost(name_in_table(value), sign))
    if "workload" not in rows.columns:
        rows = rows.with_columns(workload=pl.lit("all rows"))
    known = rows["workload"].unique(maintain_order=True).to_list()
    _check_known(workloads, known)
    order = list(dict.fromkeys(part for text in rows["methods"] for part in cell_of(text)))
    rows = rows.with_columns(cell=pl.col("methods").map_elements(
        lambda text: name_of(sorted(cell_of(text), key=order.index)), return_dtype=pl.String
    ))  # fmt: skip
    cells = tuple(map(cell_of, rows["cell"].unique(maintain_order=True)))
    reached = tuple(
        _reached(path, rows.filter(workload=one), one, cells, name) for one in workloads or known
    )
    trials = np.concatenate([found.trials.ravel() for found in reached])
    return Experiment(
        source=path, cells=cells, value=value, reached=reached,
        notes=(_as_read(value, name, goal), *_not_tuned(trials)),
        unfair=tuple(said for one in workloads or known for said in _units(
            path, rows.filter(workload=one), value, name
        )),
    )  # fmt: skip


def _as_read(value: Value, name: str, goal: Goal) -> str:
    if value == "log_time":
        return (
            f"read as times to a target: the column {name!r} (--time); for a quality at a fixed "
            "budget give --quality NAME"
        )
    return (
        f"read as a quality to {goal} (--goal) at a fixed budget: the column {name!r} (--quality)"
    )


def _units(path: Path, rows: pl.DataFrame, value: Value, name: str) -> Iterator[str]:
    """What looks like two units. Args: rows: of one workload; value: of which kind they are."""
    values = rows[name_in_table(value)].fill_null(math.nan).to_numpy()
    found, what = fractions_beside_percents(values), "fractions beside percents"
    if value == "log_time":
        gap = widest_gap(values)
        found = gap[:2] if gap and gap[2] >= WIDE else None
        what = "times of two units"
    if found:
        one, other = (f"{values[at]:g} ({place_of(path, rows[LINE][at])})" for at in found)
        yield f"{name} looks like {what}: found {one} and {other}. Correct one"


def name_in_table(value: Value) -> str:
    return "time" if value == "log_time" else "quality"


def _cost(column: str, sign: float) -> pl.Expr:
    """Smaller is better; a run without a result is inf."""
    value = pl.col(column)
    return pl.when(value.is_finite()).then(value * sign).otherwise(math.inf).fill_null(math.inf)


def _reached(
    path: Path, rows: pl.DataFrame, workload: str, cells: Sequence[tuple[str, ...]], name: str
) -> Reached:
    of_cells = [rows.filter(cell=name_of(cell)) for cell in cells]
    has_seeds = "seed" in rows.columns and not rows["seed"].has_nulls()
    if has_seeds:
        for found in of_cells:
            check_seeds_once(path, found, (), "combination and workload")
        of_cells = [found.sort("seed") for found in of_cells]
    most = max(map(len, of_cells))

    def laid_out(column: Callable[[pl.DataFrame], FloatArray], empty: float) -> FloatArray:
        array = np.full((len(cells), most), empty)
        for row, found in zip(array, of_cells, strict=True):
            row[: len(found)] = column(found)
        return array

    return Reached(
        workload=workload, costs=laid_out(lambda found: found["cost"].to_numpy(), math.nan),
        limits=laid_out(_budgets, math.nan),
        trials=laid_out(_tuning_trials, 0.0),
        matched=has_seeds and len({tuple(found["seed"]) for found in of_cells}) == 1, name=name,
    )


def _budgets(rows: pl.DataFrame) -> FloatArray:
    if "budget" not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows["budget"].fill_null(math.nan).to_numpy()


def _tuning_trials(rows: pl.DataFrame) -> FloatArray:
    if "tuning_trials" not in rows.columns:
        return np.zeros(len(rows))
    return rows["tuning_trials"].fill_null(0.0).to_numpy()


def _check_known(asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise UnknownName("workload", name, known=known)
