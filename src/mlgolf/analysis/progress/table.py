"""Entries of a table, CSV or Parquet: one row per entry, in groups by what was to be reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.analysis.progress.dates import ALLOWED, as_shown, date_of, decimal_year, is_sentinel
from mlgolf.analysis.progress.entries import Entries
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.text import enumerated, number_of
from mlgolf.results.measurement_table import (
    LINE,
    Column,
    columns_of,
    place_of,
    read_measurements,
)

NAMES = ("name", "entry", "model", "system", "method", "submission")  # columns that name an entry
TARGETS = ("task", "target", "benchmark")  # that say what was to be reached
UNITS = ("unit", "units", "compute_unit")
KEPT = ("date_source",)  # texts that checks look at
INVERSE = "/"  # before a part that amounts are divided by
MOMENT = 1e-6  # years: half a minute
NINES = 999.0  # and 9999, 99999 …: what programs write for an unknown number


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What a table calls them; None: found by its usual names."""

    date: str = "date"
    compute: str = "compute"
    name: str | None = None
    target: str | None = None  # the column whose values are targets
    loss: str | None = None  # log perplexity: entries reach different ones
    unit: str | None = None
    other_date: str | None = None  # to check the date by
    other_compute: str | None = None
    reported: str | None = None  # the factor that the source reports
    reached: str | None = None  # when the target was reached, in the unit of `ended`
    ended: str | None = None  # where the run ended
    easier: str | None = None  # when a slightly easier target was reached, in the same unit
    final: str | None = None  # the metric there
    wanted: str | None = None  # the value of the metric that was to be reached
    parts: Mapping[str, str] = field(default_factory=dict)  # name -> column, "/column"

    @property
    def numbers(self) -> dict[str, str]:
        """Numbers that may be missing, by the names that `Entries.numbers` has them under."""
        named = {
            name: getattr(self, name)
            for name in (
                "loss", "other_compute", "reported", "reached", "ended", "easier", "final", "wanted"
            )
        }
        parts = {
            part_key(part): column.removeprefix(INVERSE) for part, column in self.parts.items()
        }
        return {name: column for name, column in named.items() if column} | parts


def part_key(part: str) -> str:
    return f"part {part}"


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgressTable:
    path: Path
    columns: Columns  # as they were found
    targets: Mapping[str, Entries]  # in the order of their first rows
    left_out: tuple[tuple[str, str, str], ...] = ()  # name, place, why: sentinels
    notes: tuple[str, ...] = ()


def read_entries(
    path: Path, columns: Columns, *, targets: Sequence[str] = (), since: str | None = None,
    until: str | None = None,
) -> ProgressTable:
    """Args: targets: which of them; all, unless given. since, until: dates, both included.

    Raises: RunFolderError, UnknownName for what is no such table.
    """
    columns = _found(path, columns, targets)
    rows = _rows(path, columns)
    rows, notes = _chosen(path, rows, columns, targets), []
    there = rows
    for name, column in (("compute", columns.compute), ("date", columns.date)):
        known = there.filter(pl.col(name).is_not_null() & (pl.col(name).cast(pl.String) != ""))
        if len(known) < len(there):
            without = number_of(len(there) - len(known), "row")
            notes.append(f"{without} left out: nothing in {column}")
        if known.is_empty():
            raise RunFolderError(f"{path}: found nothing in {column}")
        there = known
    days = [_day(path, columns, *row) for row in there.select(LINE, "date").iter_rows()]
    there = there.with_columns(day=pl.Series(days, dtype=pl.Date))
    there, left_out = _without_sentinels(path, there)
    there = _between(path, there, since, until)
    _check_units(path, columns, there)
    groups = there.partition_by("target", maintain_order=True)
    found = {
        group["target"][0]: _entries(path, group.sort("day", LINE), columns) for group in groups
    }
    return ProgressTable(
        path=path, columns=columns, targets=found, left_out=tuple(left_out), notes=tuple(notes)
    )


def _found(path: Path, columns: Columns, targets: Sequence[str]) -> Columns:
    """With the usual names of columns that nobody named, where the table has them."""
    has = columns_of(path)

    def usual(given: str | None, names: Sequence[str]) -> str | None:
        return given or next((name for name in names if name in has), None)

    target = usual(columns.target, TARGETS)
    if columns.target is None and targets:
        values = {name: _texts(path, name) for name in TARGETS if name in has}
        target = next((name for name in values if {*targets} <= values[name]), target)
    return replace(
        columns, name=usual(columns.name, NAMES), target=target, unit=usual(columns.unit, UNITS)
    )


def _texts(path: Path, column: str) -> set[str]:
    rows = read_measurements(path, (Column(name=column, is_number=False, optional=True),))
    return set(rows[column].drop_nulls())


def _rows(path: Path, columns: Columns) -> pl.DataFrame:
    texts = {
        "name": columns.name, "target": columns.target, "unit": columns.unit,
        "other_date": columns.other_date,
    }
    wanted = (
        Column(name="date", found_as=columns.date, is_number=False, optional=True, option="--date"),
        Column(name="compute", found_as=columns.compute, positive=True, optional=True,
               option="--compute"),
        *(
            Column(name=name, found_as=source, is_number=False, optional=True,
                   option=f"--{name.replace('_', '-')}")
            for name, source in texts.items() if source
        ),
        *(
            Column(name=name, found_as=source, optional=True, positive=name.startswith("part "))
            for name, source in columns.numbers.items()
        ),
    )  # fmt: skip
    rows = read_measurements(path, wanted, keep=KEPT)
    lacking = [name for name in ("name", "target") if name not in rows.columns]
    empty = {"name": pl.format("line {}", pl.col(LINE)), "target": pl.lit("")}
    rows = rows.with_columns(**{name: empty[name] for name in lacking})
    return rows.with_columns(
        pl.col("name").fill_null(empty["name"]), pl.col("target").fill_null("")
    )


def _chosen(
    path: Path, rows: pl.DataFrame, columns: Columns, targets: Sequence[str]
) -> pl.DataFrame:
    known = rows["target"].unique(maintain_order=True).to_list()
    for target in targets:
        if columns.target is None:
            raise RunFolderError(
                f"{path}: --target: found {target!r}, but the table has no column of targets "
                f"({', '.join(TARGETS)}). Leave --target out, or name one by --target-column"
            )
        if target not in known:
            raise UnknownName(f"{columns.target} of {path}", target, known=known)
    return rows.filter(pl.col("target").is_in(list(targets) or known))


def _day(path: Path, columns: Columns, line: int, text: str) -> date:
    day = date_of(text)
    if day is None:
        raise RunFolderError(
            f"{place_of(path, line)}: {columns.date}: found {text!r}, allowed is {ALLOWED}"
        )
    return day


def _without_sentinels(
    path: Path, rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[tuple[str, str, str]]]:
    """Values that stand for "unknown" are no measurements; each is told."""
    left_out, kept = [], []
    for line, name, text, day, compute in rows.select(
        LINE, "name", "date", "day", "compute"
    ).iter_rows():
        why = (
            f"the date {text} stands for an unknown one" if is_sentinel(text, day) else
            f"the number {compute:g} stands for an unknown one" if _is_nines(compute) else ""
        )
        kept.append(not why)
        if why:
            left_out.append((name, place_of(path, line), why))
    return rows.filter(pl.Series(kept, dtype=pl.Boolean)), left_out


def _is_nines(value: float) -> bool:
    return value >= NINES and value.is_integer() and set(f"{value:.0f}") == {"9"}


def _between(
    path: Path, rows: pl.DataFrame, since: str | None, until: str | None
) -> pl.DataFrame:
    limits: dict[str, tuple[str | None, Callable[[date], pl.Expr]]] = {
        "--since": (since, lambda day: pl.col("day") >= day),
        "--until": (until, lambda day: pl.col("day") <= day),
    }
    for option, (text, within) in limits.items():
        if text is None:
            continue
        day = date_of(text)
        if day is None:
            raise RunFolderError(f"{option}: found {text!r}, allowed is {ALLOWED}")
        if _is_year(text):  # the whole of a year
            day = date(day.year, 1, 1) if option == "--since" else date(day.year, 12, 31)
        rows = rows.filter(within(day))
    if rows.is_empty():
        asked = " and ".join(f"{name} {text}" for name, (text, _) in limits.items() if text)
        raise RunFolderError(f"{path}: no entry is left{' by ' + asked if asked else ''}")
    return rows


def _is_year(text: str) -> bool:
    return len(text.strip()) == 4 and text.strip().isdigit()


def _check_units(path: Path, columns: Columns, rows: pl.DataFrame) -> None:
    """Raises: RunFolderError for amounts of one target in two units."""
    if "unit" not in rows.columns:
        return
    for _, group in rows.group_by("target", maintain_order=True):
        first = group.unique("unit", keep="first", maintain_order=True)
        if len(first) > 1:
            (line, one), (other_line, other) = first.select(LINE, "unit").head(2).iter_rows()
            raise RunFolderError(
                f"{place_of(path, other_line)}: {columns.unit}: found {other or 'nothing'!r}, but "
                f"line {line} has {one or 'nothing'!r}. Give {columns.compute} in one unit, or "
                "another --compute column"
            )


def _entries(path: Path, rows: pl.DataFrame, columns: Columns) -> Entries:
    days: list[date] = rows["day"].to_list()
    texts = [name for name in ("other_date", *KEPT) if name in rows.columns]
    return Entries(
        target=rows["target"][0], names=tuple(rows["name"]),
        years=np.array([decimal_year(day) for day in days]),
        dates=tuple(as_shown(text, day) for text, day in zip(rows["date"], days, strict=True)),
        amounts=rows["compute"].to_numpy(),
        places=tuple(place_of(path, line) for line in rows[LINE]),
        numbers={
            name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in columns.numbers
        },
        texts={name: tuple(rows[name].fill_null("")) for name in texts},
    )


def with_baseline(entries: Entries, name: str) -> Entries:
    """From an entry on: what came before it is left out, and of its day it is the first.

    Raises: UnknownName.
    """
    if name not in entries.names:
        raise UnknownName("baseline", name, known=entries.names)
    row = entries.names.index(name)
    years = entries.years.copy()
    years[row] -= MOMENT
    kept = np.flatnonzero(years >= years[row])
    kept = kept[np.argsort(years[kept], kind="stable")]
    return replace(entries, years=years).kept(kept)


def check_years(path: Path, entries: Entries, *, within_a_year: bool) -> None:
    """Raises: RunFolderError for entries of one date, or one year unless that is asked for."""
    of = f" of {entries.target}" if entries.target else ""
    if entries.years[0] == entries.years[-1]:
        raise RunFolderError(
            f"{path}: found {number_of(len(entries), 'entry')}{of} of one date, "
            f"{entries.dates[0]}; progress needs two dates at least"
        )
    years = {text[:4] for text in entries.dates}
    if len(years) == 1 and not within_a_year:
        raise RunFolderError(
            f"{path}: all {number_of(len(entries), 'entry')}{of} are of {enumerated(years)}; a "
            "trend over years needs entries of two years at least. Add some, or measure progress "
            "within the year by --within-a-year"
        )

