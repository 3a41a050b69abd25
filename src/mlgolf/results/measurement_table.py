"""Anybody's measurements as a table, CSV or Parquet: one row per run of a training program.

What columns mean is decided by who reads them (`analysis/`); here they are found and checked, and
whatever is wrong is named by file, line and column. A row of a CSV is counted as an editor does:
the first line has the names.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl

from mlgolf.core.errors import RunFolderError, did_you_mean

SUFFIXES = (".csv", ".parquet")
LINE = "line"  # the column that says where a row stands
PLACE = "place"  # the same in words, with the file: see `place_of`
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What is read. `found_as`: what the file calls it, if otherwise."""

    name: str
    is_number: bool = True
    positive: bool = False
    optional: bool = False
    may_fail: bool = False  # a run may have no result: empty, NaN or infinite
    found_as: str = ""
    option: str = ""  # of a command, that says what the file calls it: "--time"

    @property
    def source(self) -> str:
        return self.found_as or self.name

    @property
    def allowed(self) -> str:
        if not self.is_number:
            return "a name"
        return "a number above 0" if self.positive else "a number"


def read_measurements(
    path: Path, columns: tuple[Column, ...], *, keep: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The columns by their names, numbers as Float64 and names as String, and `line`.

    Args: keep: other columns that are wanted as text if they are there.
    Raises: RunFolderError for a file that is no such table.
    """
    table, first = _open(path)
    _check_columns(path, columns, table.columns)
    there = [column for column in columns if column.source in table.columns]
    kept = [name for name in keep if name in table.columns]
    table = table.select(
        *(pl.col(column.source).alias(column.name) for column in there),
        *(pl.col(name) for name in kept if name not in {column.name for column in there}),
    ).with_row_index(LINE, offset=first)
    for column in there:
        table = _checked(path, table, column)
    return table.with_columns(pl.col(kept).cast(pl.String))


def place_of(path: Path, line: int) -> str:
    """For errors: "runs.csv, line 3"; rows of other formats are counted from 1."""
    return f"{path}, {'line' if path.suffix == '.csv' else 'row'} {line}"


def with_places(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """With `place`, so that rows of several files can be told apart."""
    start = place_of(path, 0).removesuffix("0")
    return rows.with_columns((pl.lit(start) + pl.col(LINE).cast(pl.String)).alias(PLACE))


def check_seeds_once(path: Path, rows: pl.DataFrame, key: Sequence[str], per: str) -> None:
    """Args: key: columns of what a seed is given once for; per: the same in words.

    Raises: RunFolderError for the same seed twice, which would count one run as two.
    """
    again = rows.filter(
        pl.col("seed").is_not_null() & pl.struct(*key, "seed").is_duplicated()
    ).sort(*key, "seed", LINE)
    if len(again):
        first, second = again[LINE].head(2)
        raise RunFolderError(
            f"{place_of(path, first)} and {second}: found the same seed twice for one {per}, "
            "allowed is once. Remove one, or correct the seed"
        )


def columns_of(path: Path) -> list[str]:
    """Of a table; none of a file that cannot be read as one: whoever reads it will say why."""
    try:
        if path.suffix == ".parquet":
            return list(pl.read_parquet_schema(path))
        return pl.read_csv(path, n_rows=0, infer_schema=False).columns
    except (OSError, pl.exceptions.PolarsError):
        return []


def _open(path: Path) -> tuple[pl.DataFrame, int]:
    """The table, of text if it is a CSV, and the number of its first row."""
    if path.suffix not in SUFFIXES:
        raise RunFolderError(f"{path}: found {path.suffix or 'no suffix'}, allowed: .csv, .parquet")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    if not data.strip():
        raise RunFolderError(
            f"{path}: found an empty file, expected the names of columns in the first line and "
            "then a row per run. Write it again, and see whether what wrote it ended well"
        )
    if path.suffix == ".csv":
        _check_separator(path, data)
    try:
        if path.suffix == ".parquet":
            table, first = pl.read_parquet(BytesIO(data)), 1
        else:
            table, first = pl.read_csv(data, infer_schema=False), 2
    except pl.exceptions.PolarsError as error:
        if path.suffix == ".csv":
            try:
                _check_number_of_fields(path, data)
            except csv.Error as unreadable:
                raise RunFolderError(f"{path}: {unreadable}") from None
        raise RunFolderError(f"{path}: {str(error).splitlines()[0]}") from None
    if table.is_empty():
        raise RunFolderError(f"{path}: found no rows, expected one per run")
    return table, first


def _check_separator(path: Path, data: bytes) -> None:
    """Raises: RunFolderError for a first line without commas that has other separators."""
    head = data.partition(b"\n")[0].decode("utf-8", "replace").strip()
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if mark in head and "," not in head:
            raise RunFolderError(
                f"{path}, line 1: this file looks separated by {name}: found {head[:60]!r}. "
                "Columns are separated by commas, and decimals have a point (0.75). Save it again "
                f"like that, for instance: python -c \"import polars as p; p.read_csv("
                f"{str(path)!r}, separator={mark!r}, decimal_comma=True)"
                f".write_csv('commas.csv')\""
            )


def _check_number_of_fields(path: Path, data: bytes) -> None:
    """Raises: RunFolderError for the first line that has more fields than the first has names."""
    rows = csv.reader(StringIO(data.decode("utf-8", "replace"), newline=""))
    names, before = next(rows), rows.line_num
    for fields in rows:
        if len(fields) > len(names):
            raise RunFolderError(
                f"{place_of(path, before + 1)}: {names[-1]}: found {len(fields)} fields, "
                f"{','.join(fields)[:60]!r}, and line 1 names {len(names)} columns: "
                f"{fields[len(names)][:20]!r} comes after the last. Decimals have a point (0.75), "
                "and text with a comma stands in double quotes"
            )
        before = rows.line_num


def _check_columns(path: Path, columns: tuple[Column, ...], found: list[str]) -> None:
    lacking = [c for c in columns if c.source not in found and (c.found_as or not c.optional)]
    if lacking:
        column = lacking[0]
        remedy = f" Or say what it is called: {column.option} NAME." if column.option else ""
        raise RunFolderError(
            f"{path}: found no column {', '.join(c.source for c in lacking)}. "
            f"{did_you_mean(column.source, found)}It has {', '.join(found)}.{remedy}"
        )


def _checked(path: Path, table: pl.DataFrame, column: Column) -> pl.DataFrame:
    name, kind = column.name, pl.Float64 if column.is_number else pl.String
    raw = pl.col(name)
    text = raw.cast(pl.String).str.strip_chars()
    value = (text if table.schema[name] == pl.String else raw).cast(kind, strict=False)
    wrong = value.is_null() | (text == "")
    if column.is_number:
        wrong |= ~value.is_finite() & (not column.may_fail)
    if column.positive:
        wrong |= value <= 0
    if column.optional or column.may_fail:
        wrong &= raw.is_not_null() & (text != "")
    bad = table.filter(wrong.fill_null(value=True))
    if len(bad):
        line, found = bad.select(LINE, name).row(0)
        raise RunFolderError(
            f"{place_of(path, line)}: {column.source}: found {shown_cell(found)}, allowed is "
            f"{column.allowed}"
        )
    return table.with_columns(value.alias(name))


def shown_cell(found: object) -> str:
    """What a cell holds, for errors."""
    text = "" if found is None else str(found).strip()
    if not text:
        return "an empty cell"
    return f"{found!r} (decimals have a point)" if _DECIMAL_COMMA.fullmatch(text) else repr(found)


def columns_given(
    columns: tuple[Column, ...], given: Mapping[str, str | None]
) -> tuple[Column, ...]:
    """The columns, some under the names that a user gave: {"time": "hours"}."""
    return tuple(
        replace(column, found_as=given.get(column.name) or column.found_as) for column in columns
    )
