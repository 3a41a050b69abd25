"""Published evaluations as a table: one row per evaluation, in order, as in `curves.parquet`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.records import TrialFacts
from mlgolf.core.rules import Ruleset
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.evaluation_files import LARGEST
from mlgolf.results.measurement_table import shown_cell

_KEY = ["submission", "workload", "study", "trial"]
_VALUES = ["step", "submission_time_s", "train_metric", "validation_metric", "test_metric"]
COLUMNS = ["version", "ruleset", *_KEY, *_VALUES]
UNKNOWN = "unknown"  # the table does not tell the framework


def read_curve_table(
    path: Path, competition: Competition, ruleset: Ruleset,
    frameworks: Mapping[str, str] | None = None,
) -> list[Trial]:
    """The trials of one board. `frameworks`: of submissions, where they are known.

    Raises: RunFolderError for a file that is no such table, naming the columns that it lacks.
    """
    try:
        table = pl.scan_parquet(path)
        lacking = [name for name in COLUMNS if name not in table.collect_schema()]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunFolderError(f"{path}: {str(error).splitlines()[0]}") from None
    if lacking:
        raise RunFolderError(
            f"{path}: no column {', '.join(lacking)}. A table of evaluations has "
            f"{', '.join(COLUMNS)}"
        )
    chosen = (
        (pl.col("version").cast(pl.String) == competition.published_as)
        & (pl.col("ruleset").cast(pl.String) == ruleset)
    )
    chosen_rows = (
        table.with_row_index("row").filter(chosen)
        .with_columns(pl.col("submission", "workload").cast(pl.String)).collect()
    )
    _check(path, chosen_rows)
    rows = (
        chosen_rows.group_by(_KEY, maintain_order=True).agg(_VALUES)
    )
    return [
        _trial(competition, (frameworks or {}).get(row["submission"], UNKNOWN), ruleset, row)
        for row in rows.iter_rows(named=True)
    ]


def _check(path: Path, rows: pl.DataFrame) -> None:
    """Raises: RunFolderError naming the first row that is wrong, counted from 0, and its column."""
    for name in ("study", "trial", "step", *(n for n in _VALUES if n.endswith(("_s", "_metric")))):
        if not rows.schema[name].is_numeric():
            raise RunFolderError(f"{path}: column {name} is {rows.schema[name]}, expected numbers")
    least = {"study": 0, "trial": 1, "step": 0, "submission_time_s": 0}
    for name in (*_KEY, "step", "submission_time_s"):
        wrong, allowed = pl.col(name).is_null(), "a name"
        if name in least:
            wrong |= ~pl.col(name).is_between(least[name], LARGEST)
            allowed = f"a number from {least[name]}"
        _refuse(path, rows.filter(wrong), name, allowed)
    for name in ("step", "submission_time_s"):
        falls = pl.col(name).diff().over(_KEY) < 0
        _refuse(path, rows.filter(falls), name, "never to fall within a trial")
    again = (pl.col("step").diff().over(_KEY) == 0) & (
        pl.col("submission_time_s").diff().over(_KEY) == 0
    )
    _refuse(path, rows.filter(again), "step", "each evaluation once")


def _refuse(path: Path, wrong: pl.DataFrame, column: str, allowed: str) -> None:
    if len(wrong):
        row, found = wrong.select("row", column).row(0)
        raise RunFolderError(
            f"{path}, row {row}: {column}: found {shown_cell(found)}, allowed is {allowed}"
        )


def _trial(competition: Competition, framework: str, ruleset: Ruleset, row: dict) -> Trial:
    workload_rules = competition.workloads.get(row["workload"])
    metric = workload_rules.metric if workload_rules else "metric"
    seconds = np.array(row["submission_time_s"], dtype=np.float64)
    unknown = np.full(len(seconds), np.nan)
    return Trial(
        key=TrialKey(framework=framework, **{name: row[name] for name in _KEY}),
        seed=0, hyperparameters={}, status=Status.FINISHED, reason="from a table of evaluations",
        steps=np.array(row["step"], dtype=np.int64), seconds=seconds, cpu_seconds=unknown,
        wall_seconds=unknown,
        metrics={
            f"{split}/{metric}": np.array(row[f"{split}_metric"], dtype=np.float64)
            for split in ("train", "validation", "test")
        },
        facts=TrialFacts(ruleset=ruleset),
    )
