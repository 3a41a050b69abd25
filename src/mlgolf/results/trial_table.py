"""Published results as a table: one row per trial, with its times to the targets.

The format of `trials.csv`, as tabulated from the official logs of AlgoPerf: every column that
scoring uses, checked; others are ignored.
"""

from pathlib import Path

import polars as pl

from mlgolf.core.errors import LedgerError
from mlgolf.results.algoperf_logs import OUR_NAMES

COLUMNS = {
    "version": pl.String, "ruleset": pl.String, "submission": pl.String, "framework": pl.String,
    "workload": pl.String, "study": pl.Int64, "trial": pl.Int64, "status": pl.String,
    "total_submission_time_s": pl.Float64,
    "val_reached_eval": pl.Float64, "val_reached_time_s": pl.Float64,
    "test_reached_eval": pl.Float64, "test_reached_time_s": pl.Float64,
}

STATUSES = ("ok", "no_evals", "trial_dir_missing", "workload_dir_missing")
_KEY = ["version", "ruleset", "submission", "framework", "workload", "study", "trial"]
_TIMES = ["total_submission_time_s", "val_reached_time_s", "test_reached_time_s"]


def read_trial_table(path: Path) -> pl.DataFrame:
    """The table, with null where a target was never reached.

    Raises: LedgerError naming file, line and column for whatever is not as it should be.
    """
    try:
        table = pl.read_csv(path, columns=list(COLUMNS), schema_overrides=COLUMNS)
    except FileNotFoundError:
        raise LedgerError(f"{path}: there is no such file") from None
    except pl.exceptions.ColumnNotFoundError:
        raise LedgerError(_wrong_columns(path)) from None
    except pl.exceptions.PolarsError as error:
        raise LedgerError(f"{path}: {str(error).splitlines()[0]}") from None
    numbered = table.with_row_index("line", offset=2)  # the first line has the names
    _refuse(
        path, numbered.filter(~pl.col("status").is_in(STATUSES) | pl.col("status").is_null()),
        "status", f"one of {', '.join(STATUSES)}",
    )
    for name in ("study", "trial"):
        least = 0 if name == "study" else 1
        wrong = pl.col(name).is_null() | (pl.col(name) < least)
        _refuse(path, numbered.filter(wrong), name, f"a whole number from {least}")
    for name in _TIMES:
        wrong = (pl.col(name) < 0) | pl.col(name).is_nan()
        _refuse(path, numbered.filter(wrong), name, "seconds, at least 0")
    repeated = numbered.filter(pl.struct(_KEY).is_duplicated())
    if len(repeated):
        lines = repeated["line"].head(2).to_list()
        what = " ".join(str(value) for value in repeated.select(_KEY).row(0))
        raise LedgerError(
            f"{path}: lines {lines[0]} and {lines[1]} are the same trial ({what}). Keep one."
        )
    return table.with_columns(pl.col("framework").replace(OUR_NAMES))


def _wrong_columns(path: Path) -> str:
    found = pl.read_csv(path, n_rows=0).columns
    missing = [name for name in COLUMNS if name not in found]
    return (
        f"{path}: no column {', '.join(missing)}. A table of trials has {', '.join(COLUMNS)}; "
        f"found {', '.join(found)}"
    )


def _refuse(path: Path, wrong: pl.DataFrame, column: str, allowed: str) -> None:
    if len(wrong):
        line, found = wrong.select("line", column).row(0)
        raise LedgerError(f"{path}, line {line}: {column}: found {found!r}, allowed is {allowed}")
