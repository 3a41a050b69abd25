"""Results as data frames. Null means: not measured, not reached, or no number."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from mlgolf.analysis.tracking.spikes import spikes
from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.quantities import JOULES
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial
from mlgolf.report.spikes import before_in_words
from mlgolf.scoring.leaderboard import Entry, Leaderboard

KEY = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "trial": pl.Int64,
    "framework": pl.String,
}
TRIALS = {
    **KEY, "seed": pl.Int64, "reason": pl.String, "unofficial": pl.String, "disturbed": pl.String,
    "steps": pl.Int64, "reached": pl.Boolean, "metric": pl.String, "target": pl.Float64,
    "status": pl.String, "seconds": pl.Float64, "best": pl.Float64,
}
EVALUATIONS = {
    **KEY, "step": pl.Int64, "seconds": pl.Float64, "cpu_seconds": pl.Float64,
    "wall_seconds": pl.Float64, "charged_seconds": pl.Float64, JOULES: pl.Float64,
}
SPIKES = {
    **KEY, "loss": pl.String, "step": pl.Int64, "before": pl.Float64, "peak": pl.Float64,
    "lasted": pl.Int64, "preceded_by": pl.String,
}
BOARD = {
    "rank": pl.Int64, "group": pl.Int64, "submission": pl.String, "score": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "interval": pl.String,
}
CELLS = {"": pl.Float64, " ratio": pl.Float64, " outcome": pl.String}  # of each workload


def trials_frame(competition: Competition, trials: Sequence[Trial]) -> pl.DataFrame:
    """A row per trial: `TRIALS`, then `hyperparameters` as a struct.

    `seconds` is the whole time on the clock; `steps` are those at the last evaluation; `best` is
    the best value of `metric`, which is the workload's on its validation split, or the quantity
    that is minimised, whether in time and within bounds or not.
    """
    rows = [_key(trial) + _trial(competition, trial) for trial in trials]
    frame = pl.DataFrame(rows, schema=TRIALS, orient="row")
    return frame.with_columns(_struct([trial.hyperparameters for trial in trials]))


def _key(trial: Trial) -> tuple[Any, ...]:
    return tuple(getattr(trial.key, name) for name in KEY)


def _trial(competition: Competition, trial: Trial) -> tuple[Any, ...]:
    workload_rules = competition.workloads[trial.key.workload]
    followed = competition.rules.followed
    values = trial.values(followed.name, workload_rules.metric)
    asked = competition.rules.asked(followed.name, workload_rules)
    ended = trial.total_seconds
    last = float(trial.seconds[-1]) if len(trial.seconds) else None
    return (
        trial.seed, trial.reason, trial.unofficial or None, trial.disturbed or None,
        int(trial.steps[-1]) if len(trial.steps) else 0, trial.status is Status.TARGET_REACHED,
        workload_rules.metric if followed.goal is None else followed.name,
        None if asked is None else asked.value,
        trial.status.value if trial.status else None, last if ended is None else ended,
        _best(values, followed.goal or workload_rules.goal),
    )


def _best(values: FloatArray, goal: Goal) -> float | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    return float(finite.min() if goal is Goal.MINIMISE else finite.max())


def _struct(points: Sequence[Any]) -> pl.Series:
    """Points of several search spaces in one column: a field for every name in any of them."""
    names = dict.fromkeys(name for point in points for name in point)
    fields = [column_of(name, [point.get(name) for point in points]) for name in names]
    if not fields:
        return pl.Series("hyperparameters", [None] * len(points), dtype=pl.Struct([]))
    return pl.DataFrame(fields).to_struct("hyperparameters")


def column_of(name: str, values: Sequence[Any]) -> pl.Series:
    """Values as they are if they are of one kind, whole numbers among fractions as fractions."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) <= 1 and kinds <= {int, float, bool, str}:
        return pl.Series(name, values)
    texts = [None if value is None else json.dumps(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def evaluations_frame(trials: Iterable[Trial]) -> pl.DataFrame:
    """A row per evaluation: `EVALUATIONS`, then a column per metric, such as `validation/loss`."""
    frames = [_evaluations(trial) for trial in trials]
    frame = pl.concat([pl.DataFrame(schema=EVALUATIONS), *frames], how="diagonal")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _evaluations(trial: Trial) -> pl.DataFrame:
    count = len(trial.steps)
    charged = trial.charged_seconds
    columns = {
        **{name: [getattr(trial.key, name)] * count for name in KEY},
        "step": trial.steps, "seconds": trial.seconds, "cpu_seconds": trial.cpu_seconds,
        "wall_seconds": trial.wall_seconds,
        "charged_seconds": np.zeros(count) if charged is None else charged,
        JOULES: np.full(count, np.nan) if trial.joules is None else trial.joules,
    }
    metrics = {name: pl.Series(values, dtype=pl.Float64) for name, values in trial.metrics.items()}
    return pl.DataFrame(columns, schema=EVALUATIONS).with_columns(**metrics)


def spikes_frame(trials: Iterable[Trial]) -> pl.DataFrame:
    """A row per loss spike: `SPIKES`. `lasted` is in steps, null where the loss stayed high."""
    rows = [
        (*_key(trial), one.loss, one.step, one.before, one.peak, one.lasted or None,
         before_in_words(one))
        for trial in trials for one in spikes(trial)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SPIKES, orient="row")


def board_frame(board: Leaderboard) -> pl.DataFrame:
    """A row per submission, best first: `BOARD`, then three columns per workload.

    `low` and `high` bound the score as `interval` says: "95%", or "range of studies". Of a workload
    NAME there is `NAME`, the value of the objective, `NAME ratio`, to the best, and `NAME outcome`.
    """
    workloads = list(board.entries[0].cells) if board.entries else []
    cells = {f"{name}{end}": kind for name in workloads for end, kind in CELLS.items()}
    rows = [_entry(entry) for entry in board.entries]
    frame = pl.DataFrame(rows, schema={**BOARD, **cells}, orient="row")
    infinite = pl.col(pl.Float64).is_infinite() | pl.col(pl.Float64).is_nan()
    return frame.with_columns(pl.when(~infinite).then(pl.col(pl.Float64)).name.keep())


def _entry(entry: Entry) -> tuple[Any, ...]:
    low, high = entry.interval or entry.range_of_studies or (None, None)
    what = "95%" if entry.interval else "range of studies" if entry.range_of_studies else None
    cells = (
        value for cell in entry.cells.values()
        for value in (cell.value, cell.ratio, cell.outcome.value)
    )
    return (entry.rank, entry.rank_group, entry.submission, entry.score, low, high, what, *cells)
