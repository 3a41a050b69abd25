"""Measurements of training runs: a method has points, a point is one budget with its seeds.

A point is what one budget gave: the seeds that trained for it. Where runs of a method have a
`budget`, that says which belong together; else, where they have seeds, the k-th shortest run of
each seed, or, where seeds lack budgets, runs between the widest gaps of time; else runs of equal
times. Where times do not tell it beyond doubt, a column `budget` is asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError
from mlgolf.results.measurement_table import (
    PLACE,
    Column,
    check_seeds_once,
    columns_given,
    read_measurements,
    with_places,
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
    "hardware", "machine", "clock", "framework", "workload", "dataset", "draw", "time_unit",
    "tuning_trials",
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
    rows: pl.DataFrame  # with `point`, the number of a method's budget, and `place`, for errors
    notes: tuple[str, ...] = ()  # what a reader should know of how it was made

    @cached_property
    def points(self) -> dict[str, tuple[Point, ...]]:
        runs = self.rows.group_by("method", "point", maintain_order=True).agg("time", "quality")
        by_method: dict[str, list[Point]] = {}
        for method, _, times, qualities in runs.iter_rows():
            point = Point(method, np.array(times), np.array(qualities))
            by_method.setdefault(method, []).append(point)
        return {
            name: tuple(sorted(points, key=lambda point: point.log_time))
            for name, points in by_method.items()
        }

    def places(self, method: str, budget: int) -> list[str]:
        """Where the runs of a method's budget stand. Args: budget: by length, from 0."""
        rows = self.rows.filter(method=method)
        by_length = rows.group_by("point").agg(pl.col("time").log().mean()).sort("time")["point"]
        return rows.filter(point=by_length[budget])[PLACE].to_list()

    def facts(self, method: str) -> dict[str, dict[str, str]]:
        """What the table tells of a method besides its numbers.

        Returns: fact -> value, "" if not told -> where it stands first.
        """
        rows = self.rows.filter(method=method)
        return {
            name: dict(rows.select(pl.col(name).fill_null(""), PLACE).unique(
                name, keep="first", maintain_order=True
            ).iter_rows())
            for name in FACTS if name in rows.columns
        }  # fmt: skip


def read_table(
    path: Path, *, time: str | None = None, quality: str | None = None
) -> Measurements:
    """Args: time, quality: what the file calls these columns. Raises: RunFolderError."""
    columns = columns_given(COLUMNS, {"time": time, "quality": quality})
    rows = read_measurements(path, columns, keep=FACTS)
    if "seed" in rows.columns:
        key = ["method", "budget" if "budget" in rows.columns else "time"]
        check_seeds_once(path, rows, key, "method and budget")
    rows = grouped(with_places(path, rows))
    return Measurements(path, time or "time", quality or "quality", rows)


def grouped(rows: pl.DataFrame) -> pl.DataFrame:
    """With `point`: runs of a method that have the same number belong together.

    Args: rows: with `place`. Raises: RunFolderError where that cannot be told.
    """
    found = [_numbered(of_method) for of_method in rows.partition_by("method", maintain_order=True)]
    for of_method in found:
        _check_apart(of_method)
    return pl.concat(found)


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Args: rows: of one method."""
    if _all_have(rows, "budget"):
        return rows.with_columns(point=pl.col("budget").rank("dense"))
    if not _all_have(rows, "seed"):
        return rows.with_columns(point=pl.col("time").rank("dense"))
    counts = rows.group_by("seed").len()["len"]
    if counts.n_unique() == 1:
        numbered = rows.with_columns(point=pl.col("time").rank("ordinal").over("seed"))
    else:
        numbered = _between_gaps(rows.sort("time"), budgets=int(counts.to_numpy().max()))
    _check_that_times_tell(numbered)
    return numbered


def _all_have(rows: pl.DataFrame, column: str) -> bool:
    """Raises: RunFolderError where some runs of a method do, and others do not."""
    if column not in rows.columns or rows[column].null_count() == len(rows):
        return False
    if lacking := rows.filter(pl.col(column).is_null())[PLACE].to_list():
        raise RunFolderError(
            f"{lacking[0]}: {column}: found nothing, but other runs of {rows['method'][0]} have "
            f"one. Give all of them a {column}, or none"
        )
    return True


def _between_gaps(rows: pl.DataFrame, budgets: int) -> pl.DataFrame:
    """Args: rows: sorted by time."""
    gaps = np.diff(np.log(rows["time"].to_numpy()))
    widest = np.sort(np.argsort(-gaps)[: budgets - 1])
    number = np.searchsorted(widest, np.arange(len(rows)), side="left")
    return rows.with_columns(point=pl.Series(number + 1, dtype=pl.UInt32))


def _check_that_times_tell(rows: pl.DataFrame) -> None:
    """Runs of one budget must be closer to one another than to those of the next."""
    again = rows.filter(pl.struct("point", "seed").is_duplicated()).sort("point", "seed")
    if len(again):
        raise _ambiguous(again, "two runs of one seed are as long as runs of one budget")
    for (_, shorter), (_, longer) in pairwise(_by_length(rows)):
        one, other = (np.log(runs["time"].to_numpy()) for runs in (shorter, longer))
        gap = float(other.min() - one.max())
        if gap <= max(np.ptp(one), np.ptp(other)):
            ends = pl.concat([shorter.sort("time").tail(1), longer.sort("time").head(1)])
            raise _ambiguous(ends, "runs differ as much within a budget as between two")


def _ambiguous(rows: pl.DataFrame, why: str) -> RunFolderError:
    one, other = rows.head(2).iter_rows(named=True)
    return RunFolderError(
        f"{one[PLACE]}: found a time of {one['time']:g} of {one['method']}, and {other['time']:g} "
        f"at {other[PLACE]}: times do not tell which runs are of one budget, since {why}. Add a "
        "column budget, which names the runs that belong together"
    )


def _check_apart(rows: pl.DataFrame) -> None:
    """Two budgets of one method have no one time: there would be two values of a curve."""
    for (one, shorter), (other, longer) in pairwise(_by_length(rows)):
        if one == other:
            raise RunFolderError(
                f"{shorter[PLACE][0]}: found two budgets of {rows['method'][0]} that took the same "
                f"time, {np.exp(one):g}; the other is at {longer[PLACE][0]}. Give them one name in "
                "the column budget"
            )


def _by_length(rows: pl.DataFrame) -> Iterator[tuple[float, pl.DataFrame]]:
    """(mean log time, runs) of each point of one method, from short to long."""
    parts = rows.partition_by("point", maintain_order=True)
    timed = [(float(np.log(part["time"].to_numpy()).mean()), part) for part in parts]
    return iter(sorted(timed, key=lambda pair: pair[0]))
