"""Results of trials as tuning is judged by: who, on what, with which point, and what came out.

From anybody's table here; from runs, logs and AlgoPerf's tables in `sources.py`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mlgolf.analysis.facts import NOUNS
from mlgolf.analysis.tuning.shared_points import Scale
from mlgolf.analysis.units import fractions_beside_percents
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated
from mlgolf.results.measurement_table import (
    LINE,
    Column,
    columns_given,
    place_of,
    read_measurements,
)

Metric = Literal["validation", "time"]
RESULTS = {
    "method": pl.String, "workload": pl.String, "study": pl.String, "point": pl.String,
    "value": pl.Float64,
}
CHOICES = {
    "method": pl.String, "workload": pl.String, "study": pl.String, "budget": pl.Float64,
    "cost": pl.Float64, "time": pl.Float64,
}
# What must be the same for a comparison to be fair, where the table tells it.
SAME = (
    "hardware", "machine", "clock", "timing", "sandbox", "framework", "dataset", "time_unit",
    "quality_unit",
)  # fmt: skip
ALL = ""  # the workload of a table that names none


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningResults:
    """One row of `table` per trial: `RESULTS`. `value` is null for a trial without a result.

    `workload` is empty, and `study` and `point` are null, where nobody said. `choices` has
    `CHOICES`: for each trial, at shares of the budget, quality (smaller is better) and the time to
    target; inf for never. Null: the budget is not known.
    """

    path: Path  # for errors
    table: pl.DataFrame
    goals: Mapping[str, Goal]  # by workload
    measured: Mapping[str, str]  # by workload, in words: "time to target, s"
    scale: Scale
    shared: tuple[str, ...]  # workloads that one point could be shared by
    variants: tuple[tuple[str, str], ...]  # (workload, its variant), both in the table
    points: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    choices: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()
    unfair: tuple[str, ...] = ()  # what methods do not have in common, besides what they are

    @property
    def methods(self) -> list[str]:
        return self.table["method"].unique(maintain_order=True).to_list()

    @property
    def workloads(self) -> list[str]:
        return self.table["workload"].unique(maintain_order=True).to_list()


def read_results(
    path: Path, *, goal: Goal | None = None, quality: str | None = None,
    metric: Metric | None = None, transfers: Sequence[tuple[str, str]] = (),
    methods: Sequence[str] = (), only: Sequence[str] = (),
) -> TuningResults:
    """A table of anybody's: `method` and `quality`, perhaps `workload`, `study`, `point`, `time`.

    Args:
      quality: what the file calls the column of results.
      metric: "time": the results are times to a target, inf where it was never reached; they stand
        in the column `time`.
      transfers: pairs of workloads; none: every workload and those called after it.
      methods, only: which methods and workloads are compared, and so must be alike; none: all.
    Raises: RunFolderError for what is wrong in the file, by line and column.
    """
    timed = metric == "time"
    if timed and goal is Goal.MAXIMISE:
        raise RunFolderError("--goal maximise: times to a target are minimised")
    chosen = goal or (Goal.MINIMISE if timed else Goal.MAXIMISE)
    result = Column(
        name="time" if timed else "quality", may_fail=True, positive=timed, option="--quality"
    )
    other = Column(name="time", may_fail=True, positive=True, optional=True)
    columns = columns_given((result,), {result.name: quality})
    names = (Column(name="workload", is_number=False, optional=True),
             Column(name="study", is_number=False, optional=True),
             Column(name="point", is_number=False, optional=True))  # fmt: skip
    both = () if timed or quality == "time" else (other,)
    table = read_measurements(
        path, (Column(name="method", is_number=False), *columns, *both, *names), keep=SAME
    )
    value = pl.col(result.name)
    wrong = table.filter(value.is_infinite() & (value.sign() != chosen.sign))
    if len(wrong):
        line, found = wrong.select(LINE, result.name).row(0)
        raise RunFolderError(
            f"{place_of(path, line)}: {columns[0].source}: found {found}, allowed is a number, or "
            f"{'inf' if chosen is Goal.MINIMISE else '-inf'} for no result: the goal is to {chosen}"
        )
    table = table.with_columns(
        *(pl.lit(None, pl.String).alias(c.name) for c in names if c.name not in table.columns)
    ).with_columns(
        value=pl.when(value.is_finite()).then(value), workload=pl.col("workload").fill_null(ALL)
    )
    workloads = table["workload"].unique(maintain_order=True).to_list()
    source = "time to target" if timed else columns[0].source
    return TuningResults(
        path=path, table=table.select(*RESULTS), goals=dict.fromkeys(workloads, chosen),
        measured=dict.fromkeys(workloads, source), scale="ratio" if timed else "share_of_spread",
        shared=tuple(workloads), variants=pairs(workloads, transfers),
        choices=_choices(table, chosen) if "time" in table.columns and not timed else None,
        notes=(
            f"read as results to {chosen}{'' if timed else ' (--goal)'}: the column "
            f"{columns[0].source!r} ({'--metric' if timed else '--quality'})",
            *_units(path, table, columns[0].source),
        ),
        unfair=tuple(_differences(path, table, methods, only)),
    )


def _differences(
    path: Path, table: pl.DataFrame, methods: Sequence[str], workloads: Sequence[str]
) -> Iterator[str]:
    """The first difference of each kind between methods on one workload."""
    for column, chosen in (("method", methods), ("workload", workloads)):
        table = table.filter(pl.col(column).is_in(list(chosen))) if chosen else table
    for name in (name for name in SAME if name in table.columns):
        told = table.with_columns(pl.col(name).fill_null("not told"))
        for rows in told.partition_by("workload", maintain_order=True):
            found = rows.unique(name, keep="first", maintain_order=True)
            if len(found) > 1 and rows["method"].n_unique() > 1:
                yield f"different {NOUNS[name]} in one comparison: " + enumerated([
                    f"{row[name]} for {row['method']} ({place_of(path, row[LINE])})"
                    for row in found.head(3).to_dicts()
                ])
                break


def _units(path: Path, table: pl.DataFrame, name: str) -> Iterator[str]:
    for rows in table.partition_by("workload", maintain_order=True):
        values = rows["value"].fill_null(math.nan).to_numpy()
        if found := fractions_beside_percents(values):
            one, other = (f"{values[at]:g} ({place_of(path, rows[LINE][at])})" for at in found)
            yield (
                f"look at {name} again: it looks like fractions beside percents, found {one} and "
                f"{other}; methods of different units are not comparable"
            )


def _choices(table: pl.DataFrame, goal: Goal) -> pl.DataFrame | None:
    """Both ways to choose a trial, where the table has quality and time of each."""
    if table["study"].is_null().all():
        return None
    return table.select(
        "method", "workload", "study", budget=pl.lit(None, pl.Float64),
        cost=(pl.col("value") * goal.sign).fill_null(math.inf),
        time=pl.col("time").fill_nan(None).fill_null(math.inf),
    )


def pairs(
    workloads: Sequence[str], asked: Sequence[tuple[str, str]] = ()
) -> tuple[tuple[str, str], ...]:
    """Workloads and their variants: as asked, or by names such as "wmt" and "wmt_post_ln".

    All pairs if no name begins with another one.
    """
    for name in (name for pair in asked for name in pair):
        if name not in workloads:
            raise UnknownName("workload", name, known=workloads)
    named = [
        (base, name) for base in workloads for name in workloads if name.startswith(f"{base}_")
    ]
    every = [(one, two) for at, one in enumerate(workloads) for two in workloads[at + 1:]]
    return tuple(asked) or tuple(named) or tuple(every)
