"""Measurements of training runs: a method has points, a point is one budget with its seeds.

A point is what one budget gave: the seeds that trained for it. Where the table has a column
`budget`, that says which runs belong together; else, where it has seeds, the k-th shortest run of
each seed, or, where seeds lack budgets, runs between the widest gaps of time; else runs of equal
times.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError
from mlgolf.results.measurement_table import (
    LINE,
    Column,
    columns_given,
    place_of,
    read_measurements,
)

COLUMNS = (
    Column(name="method", is_number=False),
    Column(name="seed", is_number=False, optional=True),
    Column(name="budget", is_number=False, optional=True),
    Column(name="time", positive=True, option="--time"),
    Column(name="quality", option="--quality"),
)
# What must be the same for a comparison to be fair, where the table tells it.
FACTS = (
    "hardware", "machine", "clock", "workload", "dataset", "draw", "time_unit", "tuning_trials",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Runs of one method at one budget."""

    method: str
    times: FloatArray  # (runs,), in the table's unit
    qualities: FloatArray  # (runs,)

    @property
    def runs(self) -> int:
        return len(self.times)

    @cached_property
    def log_time(self) -> float:
        return float(np.log(self.times).mean())

    @property
    def time(self) -> float:
        """The geometric mean over seeds."""
        return float(self.times[0] if np.ptp(self.times) == 0 else np.exp(self.log_time))

    @cached_property
    def quality(self) -> float:
        """The mean over seeds."""
        return float(self.qualities.mean())


@dataclass(frozen=True)
class Measurements:
    """A table: methods in the order of their first rows, points of each from short to long."""

    path: Path
    time: str  # what the file calls its columns
    quality: str
    rows: pl.DataFrame

    @cached_property
    def points(self) -> dict[str, tuple[Point, ...]]:
        rows = _numbered(self.path, self.rows)
        runs = rows.group_by("method", "point", maintain_order=True).agg("time", "quality")
        names = self.rows["method"].unique(maintain_order=True)
        by_method: dict[str, list[Point]] = {name: [] for name in names}
        for method, _, times, qualities in runs.iter_rows():
            by_method[method].append(Point(method, np.array(times), np.array(qualities)))
        return {
            name: _sorted(self.path, points) for name, points in by_method.items()
        }

    def facts(self, method: str) -> dict[str, tuple[str, ...]]:
        """What the table tells of a method besides its numbers: fact -> values, "" if not told."""
        told = [name for name in FACTS if name in self.rows.columns]
        if not told:
            return {}
        rows = self.rows.filter(pl.col("method") == method)
        return {name: tuple(rows[name].fill_null("").unique(maintain_order=True)) for name in told}


def read_table(
    path: Path, *, time: str | None = None, quality: str | None = None
) -> Measurements:
    """Args: time, quality: what the file calls these columns. Raises: RunFolderError."""
    columns = columns_given(COLUMNS, {"time": time, "quality": quality})
    rows = read_measurements(path, columns, keep=FACTS)
    if "seed" in rows.columns:
        _check_each_seed_once(path, rows)
    return Measurements(path, time or "time", quality or "quality", rows)


def _check_each_seed_once(path: Path, rows: pl.DataFrame) -> None:
    key = ["method", *(["budget"] if "budget" in rows.columns else ["time"]), "seed"]
    again = rows.filter(pl.col("seed").is_not_null() & pl.struct(key).is_duplicated())
    if len(again):
        first, second = again.sort(*key)[LINE].head(2)
        raise RunFolderError(
            f"{place_of(path, first)} and {second}: found the same seed twice for one method and "
            "budget, allowed is once. Remove one, or correct the seed"
        )


def _numbered(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """With `point`: runs of a method that have the same number belong together."""
    if "budget" in rows.columns and not rows["budget"].has_nulls():
        return rows.with_columns(point=pl.col("budget").rank("dense"))
    if "seed" not in rows.columns or rows["seed"].has_nulls():
        return rows.with_columns(point=pl.col("time").rank("dense"))
    ranked = rows.with_columns(
        point=pl.col("time").rank("ordinal").over("method", "seed"),
        runs=pl.len().over("method", "seed"),
    ).with_columns(is_even=pl.col("runs").n_unique().over("method") == 1)
    even, uneven = ranked.filter("is_even"), ranked.filter(~pl.col("is_even"))
    parts = [_by_gaps(path, part) for part in uneven.partition_by("method")]
    return pl.concat([even, *parts]).drop("runs", "is_even")


def _by_gaps(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Args: rows: of one method, of which seeds have different numbers of runs."""
    found = _between_gaps(rows.sort("time"), budgets=int(rows["runs"].to_numpy().max()))
    again = found.filter(pl.struct("point", "seed").is_duplicated())
    if len(again):
        raise RunFolderError(
            f"{place_of(path, again[LINE][0])}: seeds of {rows['method'][0]} have different "
            "numbers of runs, so that times alone do not tell which budget each is of. Add a "
            "column budget"
        )
    return found


def _between_gaps(rows: pl.DataFrame, budgets: int) -> pl.DataFrame:
    """Args: rows: sorted by time."""
    gaps = np.diff(np.log(rows["time"].to_numpy()))
    widest = np.sort(np.argsort(-gaps)[: budgets - 1])
    number = np.searchsorted(widest, np.arange(len(rows)), side="left")
    return rows.with_columns(point=pl.Series(number + 1, dtype=pl.UInt32))


def _sorted(path: Path, points: list[Point]) -> tuple[Point, ...]:
    found = sorted(points, key=lambda point: point.log_time)
    for one, other in pairwise(found):
        if one.log_time == other.log_time:
            raise RunFolderError(
                f"{path}: two budgets of {one.method} took the same time, {one.time:g}; give them "
                "one name in the column budget"
            )
    return tuple(found)
