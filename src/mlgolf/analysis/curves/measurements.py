"""Measurements of training runs: a method has points, a point is one budget with its seeds.

A point is what one budget gave: the seeds that trained for it. Where runs of a method have a
`budget`, that says which belong together; else, where they have seeds, the k-th shortest run of
each seed, or, where seeds lack budgets, runs between the widest gaps of time; else runs of equal
times. Where times do not tell it beyond doubt, a column `budget` is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlgolf.analysis.curves.budget_noise import relative_noise
from mlgolf.analysis.curves.pareto import Axis
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
    "hardware", "machine", "clock", "timing", "sandbox", "framework", "workload", "rules",
    "dataset", "draw", "time_unit", "quality_unit", "tuning_trials",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Runs of one method at one budget."""

    method: str
    times: FloatArray  # (runs,), in the table's unit
    qualities: FloatArray  # (runs,)
    budget: str | None = None  # its name, if the table has one
    relative_noise: float = 1.0  # standard deviation of its runs, over that of all budgets
    on_axes: tuple[float, ...] = ()  # means over seeds, of the two quantities of a Pareto front
    seeds: tuple[str, ...] = ()  # of its runs, if the table has them

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
    axes: tuple[Axis, ...] = ()  # two, of a Pareto front of other quantities

    @cached_property
    def points(self) -> dict[str, tuple[Point, ...]]:
        name = pl.col("budget").first() if "budget" in self.rows.columns else pl.lit(None)
        seed = pl.col("seed") if "seed" in self.rows.columns else pl.lit(None)
        runs = self.rows.group_by("method", "point", maintain_order=True).agg(
            "time", "quality", seed.alias("seeds"), name.alias("name"),
            *(pl.mean(axis_column(number)) for number in range(len(self.axes))),
        )
        by_method: dict[str, list[Point]] = {}
        for method, _, times, qualities, seeds, budget, *axes in runs.iter_rows():
            point = Point(
                method, np.array(times), np.array(qualities), budget, on_axes=tuple(axes),
                seeds=tuple(seeds) if seeds and None not in seeds else (),
            )
            by_method.setdefault(method, []).append(point)
        by_length = {
            name: sorted(points, key=lambda point: point.log_time)
            for name, points in by_method.items()
        }
        noise = relative_noise([*by_length.values()])
        return {
            name: tuple(points if noise is None else map(_of_noise, points, noise))
            for name, points in by_length.items()
        }

    def places(self, method: str, budget: int) -> list[str]:
        """Where the runs of a method's budget stand. Args: budget: by length, from 0."""
        rows = self.rows.filter(method=method)
        by_length = rows.group_by("point").agg(pl.col("time").log().mean()).sort("time")["point"]
        return rows.filter(point=by_length[budget])[PLACE].to_list()

    @cached_property
    def facts(self) -> dict[str, dict[str, dict[str, str]]]:
        """What the table tells besides numbers, as far as it has such columns.

        Returns: fact -> method -> value, "" if not told -> where it stands first.
        """
        found: dict[str, dict[str, dict[str, str]]] = {}
        for name in (name for name in FACTS if name in self.rows.columns):
            value = pl.col(name).fill_null("")
            told = self.rows.group_by("method", value, maintain_order=True).agg(pl.first(PLACE))
            for method, text, place in told.iter_rows():
                found.setdefault(name, {}).setdefault(method, {})[text] = place
        return found


def _of_noise(point: Point, relative: float) -> Point:
    return replace(point, relative_noise=float(relative))


def read_table(
    path: Path, *, time: str | None = None, quality: str | None = None,
    axes: Sequence[Axis] = (),
) -> Measurements:
    """Args: time, quality: what the file calls these columns. axes: other columns, of numbers.

    Raises: RunFolderError.
    """
    of_axes = (
        Column(name=axis_column(number), found_as=axis.name) for number, axis in enumerate(axes)
    )
    columns = (*columns_given(COLUMNS, {"time": time, "quality": quality}), *of_axes)
    rows = read_measurements(path, columns, keep=FACTS)
    if "seed" in rows.columns:
        key = ["method", "budget" if "budget" in rows.columns else "time"]
        check_seeds_once(path, rows, key, "method and budget")
    rows = grouped(with_places(path, rows))
    return Measurements(path, time or "time", quality or "quality", rows, axes=tuple(axes))


def axis_column(number: int) -> str:
    return f"axis_{number}"


def grouped(rows: pl.DataFrame) -> pl.DataFrame:
    """With `point`: runs of a method that have the same number belong together.

    Args: rows: with `place`. Raises: RunFolderError where that cannot be told.
    """
    named, seeded = (_all_have(rows, column) for column in ("budget", "seed"))
    by_time = pl.col("time").rank("dense").over("method")
    if seeded:
        by_seed = pl.col("time").rank("ordinal").over("method", "seed")
        by_time = pl.when(pl.col("method").is_in(seeded)).then(by_seed).otherwise(by_time)
    if named:
        by_name = pl.col("budget").rank("dense").over("method")
        by_time = pl.when(pl.col("method").is_in(named)).then(by_name).otherwise(by_time)
    found = rows.with_columns(point=by_time)
    if by_seeds := [name for name in seeded if name not in named]:
        found = _with_uneven_seeds(found, by_seeds)
        _check_that_seeds_differ(found.filter(pl.col("method").is_in(by_seeds)))
    _check_spans(found, by_seeds)
    return found


def _all_have(rows: pl.DataFrame, column: str) -> list[str]:
    """The methods of which all runs have it.

    Raises: RunFolderError where some runs of a method do, and others do not.
    """
    if column not in rows.columns:
        return []
    has = pl.col(column).is_not_null()
    lacking = rows.filter(~has & has.any().over("method"))
    if len(lacking):
        place, method = lacking.select(PLACE, "method").row(0)
        raise RunFolderError(
            f"{place}: {column}: found nothing, but other runs of {method} have one. Give all of "
            f"them a {column}, or none"
        )
    return rows.filter(has)["method"].unique(maintain_order=True).to_list()


def _with_uneven_seeds(rows: pl.DataFrame, methods: Sequence[str]) -> pl.DataFrame:
    """The same, where of some of these methods seeds have different numbers of runs."""
    counts = rows.filter(pl.col("method").is_in(methods)).group_by("method", "seed").len()
    most = counts.group_by("method").agg(pl.max("len"), kinds=pl.n_unique("len"))
    uneven = dict(most.filter(pl.col("kinds") > 1).select("method", "len").iter_rows())
    if not uneven:
        return rows
    return pl.concat([
        _between_gaps(part.sort("time"), uneven[name]) if (name := part["method"][0]) in uneven
        else part for part in rows.partition_by("method", maintain_order=True)
    ])  # fmt: skip


def _between_gaps(rows: pl.DataFrame, budgets: int) -> pl.DataFrame:
    """Args: rows: sorted by time."""
    gaps = np.diff(np.log(rows["time"].to_numpy()))
    widest = np.sort(np.argsort(-gaps)[: budgets - 1])
    number = np.searchsorted(widest, np.arange(len(rows)), side="left")
    return rows.with_columns(point=pl.Series(number + 1, dtype=pl.UInt32))


def _check_that_seeds_differ(rows: pl.DataFrame) -> None:
    key = ["method", "point", "seed"]
    again = rows.filter(pl.struct(key).is_duplicated()).sort(key, maintain_order=True)
    if len(again):
        raise _ambiguous(again, "two runs of one seed are as long as runs of one budget")


def _check_spans(rows: pl.DataFrame, by_seeds: Sequence[str]) -> None:
    """Args: by_seeds: methods whose budgets were told by times."""
    log_time = pl.col("time").log()
    points = rows.group_by("method", "point", maintain_order=True).agg(
        mean=log_time.mean(), low=log_time.min(), high=log_time.max()
    ).sort("mean", maintain_order=True)
    for name, of_method in points.group_by("method"):
        for one, other in pairwise(of_method.iter_rows(named=True)):
            if name[0] in by_seeds:
                _check_that_times_tell(rows, one, other)
            if one["mean"] == other["mean"]:
                raise _same_time(rows, one, other)


Span = Mapping[str, Any]  # of a point: method, point, mean, low and high of its log times


def _check_that_times_tell(rows: pl.DataFrame, shorter: Span, longer: Span) -> None:
    """Runs of one budget must be closer to one another than to those of the next."""
    gap = longer["low"] - shorter["high"]
    if gap <= max(span["high"] - span["low"] for span in (shorter, longer)):
        ends = [_runs(rows, shorter).tail(1), _runs(rows, longer).head(1)]
        raise _ambiguous(pl.concat(ends), "runs differ as much within a budget as between two")


def _runs(rows: pl.DataFrame, span: Span) -> pl.DataFrame:
    return rows.filter(method=span["method"], point=span["point"]).sort("time")


def _ambiguous(rows: pl.DataFrame, why: str) -> RunFolderError:
    one, other = rows.head(2).iter_rows(named=True)
    return RunFolderError(
        f"{one[PLACE]}: found a time of {one['time']:g} of {one['method']}, and {other['time']:g} "
        f"at {other[PLACE]}: times do not tell which runs are of one budget, since {why}. Add a "
        "column budget, which names the runs that belong together"
    )


def _same_time(rows: pl.DataFrame, one: Span, other: Span) -> RunFolderError:
    """Two budgets of one time would be two values of a curve there."""
    places = [_runs(rows, span)[PLACE][0] for span in (one, other)]
    return RunFolderError(
        f"{places[0]}: found two budgets of {one['method']} that took the same time, "
        f"{np.exp(one['mean']):g}; the other is at {places[1]}. Give them one name in the column "
        "budget"
    )
