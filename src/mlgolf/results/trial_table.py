"""Published results as a table: one row per trial, with its times to the targets.

The format of `trials.csv`, as tabulated from the official logs of AlgoPerf: every column that
scoring uses, checked; others are ignored.
"""

import re
from pathlib import Path
from typing import get_args

import polars as pl

from mlgolf.core.errors import RunFolderError
from mlgolf.core.rules import Ruleset
from mlgolf.results.algoperf_logs import OUR_NAMES
from mlgolf.results.measurement_table import shown_cell

COLUMNS = {
    "version": pl.String, "ruleset": pl.String, "submission": pl.String, "framework": pl.String,
    "workload": pl.String, "study": pl.Int64, "trial": pl.Int64, "status": pl.String,
    "total_submission_time_s": pl.Float64,
    "val_reached_eval": pl.Float64, "val_reached_time_s": pl.Float64,
    "test_reached_eval": pl.Float64, "test_reached_time_s": pl.Float64,
}

ALLOWED = {
    "status": ("ok", "no_evals", "trial_dir_missing", "workload_dir_missing"),
    "ruleset": get_args(Ruleset), "framework": tuple(OUR_NAMES),
}  # fmt: skip
_KEY = ["version", "ruleset", "submission", "framework", "workload", "study", "trial"]
_TIMES = ["total_submission_time_s", "val_reached_time_s", "test_reached_time_s"]


def read_trial_table(path: Path) -> pl.DataFrame:
    """The table, with null where a target was never reached.

    Raises: RunFolderError naming file, line and column for whatever is not as it should be.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    _check_cells(path, data)
    try:
        table = pl.read_csv(data, columns=list(COLUMNS), schema_overrides=COLUMNS)
    except pl.exceptions.ColumnNotFoundError:
        raise RunFolderError(_wrong_columns(path, data)) from None
    except pl.exceptions.PolarsError as error:
        found = _wrong_cell(path, data) or f"{path}: {error}".splitlines()[0]
        raise RunFolderError(found) from None
    numbered = table.with_row_index("line", offset=2)  # the first line has the names
    for name, allowed in ALLOWED.items():
        wrong = ~pl.col(name).is_in(allowed) | pl.col(name).is_null()
        _refuse(path, numbered.filter(wrong), name, f"one of {', '.join(allowed)}")
    for name in ("version", "submission", "workload"):
        _refuse(path, numbered.filter(pl.col(name).is_null()), name, "a name")
    for name in ("study", "trial"):
        least = 0 if name == "study" else 1
        wrong = pl.col(name).is_null() | (pl.col(name) < least)
        _refuse(path, numbered.filter(wrong), name, f"a whole number from {least}")
    for name in _TIMES:
        wrong = ~(pl.col(name).is_finite() & (pl.col(name) >= 0))  # null stays null: never
        _refuse(path, numbered.filter(wrong), name, "seconds, at least 0")
    for split in ("val", "test"):
        index, time = f"{split}_reached_eval", f"{split}_reached_time_s"
        wrong = (pl.col(index) < 0) | (pl.col(index).is_null() != pl.col(time).is_null())
        _refuse(path, numbered.filter(wrong), index, f"from 0, just where there is {time}")
        late = pl.col(time) > pl.col("total_submission_time_s")
        _refuse(path, numbered.filter(late), time, "at most total_submission_time_s")
    repeated = numbered.filter(pl.struct(_KEY).is_duplicated())
    if len(repeated):
        lines = repeated["line"].head(2).to_list()
        what = " ".join(str(value) for value in repeated.select(_KEY).row(0))
        raise RunFolderError(
            f"{path}: lines {lines[0]} and {lines[1]} are the same trial ({what}). Keep one."
        )
    return table.with_columns(pl.col("framework").replace(OUR_NAMES))


def _check_cells(path: Path, data: bytes) -> None:
    """Every line has as many cells as the first: what is short would be read as never reached."""
    lines = data.splitlines()
    commas = lines[0].count(b",") if lines else 0
    if all(_commas(line) == commas for line in lines):
        return
    lines = re.sub(rb'"[^"]*"', b"", data).splitlines()  # exact, and slower
    for number, line in enumerate(lines, start=1):
        if line.count(b",") != commas:
            raise RunFolderError(
                f"{path}, line {number}: found {line.count(b',') + 1} cells, the first line has "
                f"{commas + 1}. Was it cut?"
            )


def _commas(line: bytes) -> int:
    """Outside of quotes, if at most one cell of the line has them."""
    if b'"' not in line:
        return line.count(b",")
    return line.count(b",", 0, line.index(b'"')) + line.count(b",", line.rindex(b'"'))


def _wrong_columns(path: Path, data: bytes) -> str:
    found = pl.read_csv(data, n_rows=0).columns
    missing = [name for name in COLUMNS if name not in found]
    return (
        f"{path}: no column {', '.join(missing)}. A table of trials has {', '.join(COLUMNS)}; "
        f"found {', '.join(found)}"
    )


def _wrong_cell(path: Path, data: bytes) -> str:
    """The first cell that is no number where one should be; '' if there is none."""
    text = pl.read_csv(data, columns=list(COLUMNS), infer_schema=False)
    text = text.with_row_index("line", offset=2)
    for name, kind in COLUMNS.items():
        wrong = text.filter(
            pl.col(name).is_not_null() & pl.col(name).cast(kind, strict=False).is_null()
        )
        if len(wrong):
            line, found = wrong.select("line", name).row(0)
            return f"{path}, line {line}: {name}: found {shown_cell(found)}, allowed is a number"
    return ""


def _refuse(path: Path, wrong: pl.DataFrame, column: str, allowed: str) -> None:
    if len(wrong):
        line, found = wrong.select("line", column).row(0)
        where = f"{path}, line {line}: {column}"
        raise RunFolderError(f"{where}: found {shown_cell(found)}, allowed is {allowed}")
