"""Runs that another tracker wrote down, as rows under its own names, and as a table under ours.

Each column of ours is one of theirs, chosen by a person or by its name, and which one is said:
nothing is guessed in silence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.text import enumerated, number_of
from mlgolf.results.measurement_table import SUFFIXES

DURATION = "duration_s"  # a column that readers add: from start to end, in seconds
METHODS = ("method", "optimizer", "algorithm", "submission", "model")  # what methods may be called
SEEDS = ("seed", "random_seed")
NEEDED = ("method", "time", "quality")


@dataclass(frozen=True, kw_only=True)
class TrackerRuns:
    """Rows as the tracker has them. A run without a value of a column lacks its key."""

    path: Path
    rows: Sequence[Mapping[str, Any]]
    name: str  # its column of names of runs
    state: str = ""  # and of how they ended; empty: it does not say
    time: str = ""  # and of how long they took, in seconds; empty: it has none
    time_means: str = ""  # in words, where that is computed
    metrics: tuple[str, ...] = ()  # columns that are results; empty: it does not say which are
    finished: tuple[str, ...] = ("FINISHED", "finished", "completed")
    notes: tuple[str, ...] = ()  # what was not read

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))


@dataclass(frozen=True, kw_only=True)
class ImportedTable:
    table: pl.DataFrame
    mapping: Mapping[str, str]  # column of ours -> theirs
    said: tuple[str, ...]  # the mapping, and what was left out, a sentence each


def imported(
    runs: TrackerRuns, given: Mapping[str, str], *, keep_failed: bool = False
) -> ImportedTable:
    """Their rows as a table that `mlgolf curve`, `tuning` and `fit` read.

    Args:
      given: what a person says: column of ours -> column of theirs.
      keep_failed: also runs that did not finish, without their quality, as tuning counts them.
    Raises: UnknownName for a column that is not there; RunFolderError where none can be chosen.
    """
    if not runs.rows:
        raise RunFolderError(f"{runs.path}: found no runs in it")
    mapping = _mapping(runs, given)
    result = next((mapping[name] for name in ("quality", "loss") if name in mapping), None)
    kept, failed, empty = [], 0, 0
    for row in runs.rows:
        has_failed = bool(runs.state) and row.get(runs.state) not in (None, *runs.finished)
        lacks = result is not None and _is_missing(row.get(result))
        if (has_failed or lacks) and not keep_failed:
            failed, empty = failed + has_failed, empty + (lacks and not has_failed)
            continue
        kept.append({**row, result: None} if (has_failed or lacks) and result else row)
    if not kept:
        raise RunFolderError(
            f"{runs.path}: {number_of(len(runs.rows), 'run')}, of which none finished with "
            f"{result}. --keep-failed keeps them"
        )
    used = {*mapping, *mapping.values()}
    others = [name for name in runs.columns if name not in used]
    table = pl.DataFrame(
        {
            **{ours: _typed([row.get(name) for row in kept]) for ours, name in mapping.items()},
            **{name: _typed([row.get(name) for row in kept]) for name in others},
        }
    )
    said = [
        f"{ours} is {name}" + (f" ({runs.time_means})" if name == runs.time and runs.time_means
                               else "")
        for ours, name in mapping.items()
    ]  # fmt: skip
    if failed:
        said.append(f"{number_of(failed, 'run')} left out: not finished; --keep-failed keeps them")
    if empty:
        said.append(f"{number_of(empty, 'run')} left out: {result} is empty, NaN or infinite")
    return ImportedTable(table=table, mapping=mapping, said=(*said, *runs.notes))


def _is_missing(value: Any) -> bool:
    """Nothing, NaN or infinity, as a number or as text."""
    if value in (None, ""):
        return True
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):  # text is another mistake, and told where the table is read
        return False


def _mapping(runs: TrackerRuns, given: Mapping[str, str]) -> dict[str, str]:
    columns = runs.columns
    for ours, theirs in given.items():
        if theirs not in columns:
            raise UnknownName(f"column for {ours}", theirs, known=columns)
    found = {
        "method": _first(columns, METHODS) or runs.name,
        "seed": _first(columns, SEEDS),
        "time": runs.time if runs.time in columns else "",
        "quality": runs.metrics[0] if len(runs.metrics) == 1 else "",
        **given,
    }
    needed = [name for name in NEEDED if name != "quality" or "loss" not in given]
    for name in needed:
        if not found[name]:
            among = runs.metrics if name == "quality" and runs.metrics else columns
            raise RunFolderError(
                f"{runs.path}: which column is {name}? Say so: --map {name}=COLUMN, one of "
                f"{', '.join(among)}"
            )
    return {ours: theirs for ours, theirs in found.items() if theirs}


def _first(columns: Sequence[str], names: Sequence[str]) -> str:
    """The first of these names that is a column, as it is or below params., config. or tags."""
    for name in names:
        for prefix in ("params.", "", "config.", "tags."):
            if f"{prefix}{name}" in columns:
                return f"{prefix}{name}"
    return ""


def _typed(values: Sequence[Any]) -> pl.Series:
    """Whole numbers, numbers, or text; what is empty is null."""
    texts = pl.Series([None if v is None or v == "" else str(v) for v in values], dtype=pl.String)
    for kind in (pl.Int64, pl.Float64):
        numbers = texts.cast(kind, strict=False)
        if numbers.null_count() == texts.null_count():
            return numbers
    return texts


def read_exported_table(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file of a tracker, all of it as text. Raises: RunFolderError."""
    if path.suffix not in SUFFIXES:
        raise RunFolderError(
            f"{path}: found {path.suffix or 'no suffix'}, allowed: {enumerated(SUFFIXES, 'or')}"
        )
    try:
        if path.suffix == ".csv":
            return pl.read_csv(path.read_bytes(), infer_schema=False)
        table = pl.read_parquet(path)
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    except pl.exceptions.PolarsError as error:
        raise RunFolderError(f"{path}: {str(error).splitlines()[0]}") from None
    flat = [name for name, kind in table.schema.items() if not kind.is_nested()]
    return table.select(pl.col(flat).cast(pl.String))


def rows_of(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Without empty cells."""
    return [
        {name: value for name, value in row.items() if value not in (None, "")}
        for row in table.iter_rows(named=True)
    ]
