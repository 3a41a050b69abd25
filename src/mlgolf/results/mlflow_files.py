"""Runs of MLflow: a store (mlflow.db, or a folder mlruns), or the table that it exports as CSV.

Stores are opened for reading, so that none is upgraded or changed; columns are called as by
`mlflow.search_runs`: params.lr, metrics.loss, tags.team.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from mlgolf.core.errors import RunFolderError
from mlgolf.results.places import what_lies_at
from mlgolf.results.tracker_runs import DURATION, TrackerRuns, read_exported_table, rows_of

NAME_TAG = "mlflow.runName"
STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_SQLITE = b"SQLite format 3\x00"
# What its web page exports, beside parameters and metrics under their bare names.
PAGE_COLUMNS = ("Run ID", "Name", "Duration", "Status")
_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS = "end_time - start_time, in seconds"


def read_mlflow(path: Path) -> TrackerRuns:
    """Raises: RunFolderError for what is neither a store of MLflow nor a table of it."""
    if path.is_dir():
        database = path / "mlflow.db"
        return read_mlflow(database) if database.is_file() else _of_folder(path)
    if not path.exists():
        raise RunFolderError(f"{path}: there is no such file or folder")
    if path.suffix == ".csv":
        return _of_table(path)
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            return _of_rows(path, [*_of_database(path)])
    raise RunFolderError(
        f"{path} is {what_lies_at(path)}; expected a store of MLflow (mlflow.db, or a folder "
        "mlruns) or its CSV"
    )


def _of_rows(path: Path, rows: list[dict[str, Any]], notes: tuple[str, ...] = ()) -> TrackerRuns:
    metrics = dict.fromkeys(name for row in rows for name in row if name.startswith("metrics."))
    return TrackerRuns(
        path=path, rows=rows, name="name", state="status", time=DURATION, time_means=_WORDS,
        metrics=tuple(metrics), notes=notes,
    )


def _of_database(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            names = dict(database.execute("select experiment_id, name from experiments"))
            parts = {
                "params": "select run_uuid, key, value from params",
                "metrics": (
                    "select run_uuid, key, case when is_nan then null else value end "
                    "from latest_metrics"
                ),
                "tags": "select run_uuid, key, value from tags",
            }
            told: dict[str, dict[str, Any]] = {}
            for kind, query in parts.items():
                for run, key, value in database.execute(query):
                    if kind != "tags" or not key.startswith("mlflow."):
                        told.setdefault(run, {})[f"{kind}.{key}"] = value
            runs = database.execute(
                "select run_uuid, name, experiment_id, status, start_time, end_time from runs "
                "where lifecycle_stage = 'active' order by start_time, run_uuid"
            )
            for run, name, experiment, status, start, end in runs:
                yield {
                    **_head(run, name, names.get(experiment), status, start, end),
                    **told.get(run, {}),
                }
    except sqlite3.Error as error:
        raise RunFolderError(f"{path}: no store of MLflow that can be read: {error}") from None


def _head(
    run: str, name: str | None, experiment: str | None, status: str, start: int | None,
    end: int | None,
) -> dict[str, Any]:
    """Args: start, end: in milliseconds."""
    lasted = {} if start is None or end is None else {DURATION: (end - start) / 1e3}
    head = {"run_id": run, "name": name or run, "experiment": experiment, "status": status}
    return {**head, **lasted}


def _of_folder(path: Path) -> TrackerRuns:
    """As MLflow wrote before it kept databases: a file for each parameter, metric and tag."""
    runs = sorted(path.glob("*/*/meta.yaml")) or sorted(path.glob("*/meta.yaml"))
    runs = [file for file in runs if (file.parent / "params").is_dir()]
    if not runs:
        raise RunFolderError(
            f"{path} is {what_lies_at(path)}; expected a store of MLflow: a folder mlruns with "
            "EXPERIMENT/RUN/meta.yaml, or one with mlflow.db"
        )
    rows, notes = [], []
    for file in runs:
        try:
            told = _yaml(file)
            if told.get("lifecycle_stage", "active") == "active":
                start = float(told.get("start_time") or 0)
                rows.append((start, _of_run_folder(file.parent, told)))
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
            notes.append(f"{file.parent} left out: {str(error).splitlines()[0]}")
    rows.sort(key=lambda row: row[0])
    return _of_rows(path, [row for _, row in rows], tuple(notes))


def _yaml(file: Path) -> Mapping[str, Any]:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise ValueError(f"{file}: found a {type(told).__name__}, expected keys and values")
    return told


def _of_run_folder(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    params, metrics, tags = (_texts(folder / kind) for kind in ("params", "metrics", "tags"))
    above = folder.parent / "meta.yaml"
    experiment = _yaml(above).get("name") if above.is_file() else None
    status = told.get("status", "")
    return {
        **_head(
            folder.name, tags.get(NAME_TAG) or told.get("run_name"), experiment,
            STATUSES.get(status, str(status)), told.get("start_time"), told.get("end_time"),
        ),
        **{f"params.{key}": value for key, value in params.items()},
        **{f"metrics.{key}": _latest(text) for key, text in metrics.items()},
        **{f"tags.{key}": v for key, v in tags.items() if not key.startswith("mlflow.")},
    }  # fmt: skip


def _texts(folder: Path) -> dict[str, str]:
    """What each file below holds, by its path: a key may have slashes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(f.relative_to(folder)): f.read_text(encoding="utf-8") for f in files}


def _latest(text: str) -> float:
    """Of lines with time, value and step: that of the last step, and there the latest."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    _, _, value = max(
        (int(words[2]) if len(words) > 2 else 0, int(words[0]), float(words[1])) for words in lines
    )
    return value


def _of_table(path: Path) -> TrackerRuns:
    """Of `mlflow experiments csv`, of a data frame of runs, or of the web page."""
    table = read_exported_table(path)
    rows = rows_of(table)
    if set(PAGE_COLUMNS) <= set(table.columns):
        for row in rows:
            if (seconds := _seconds(str(row.get("Duration", "")))) is not None:
                row[DURATION] = seconds
        return TrackerRuns(
            path=path, rows=rows, name="Name", state="Status", time=DURATION,
            time_means="Duration as the web page rounds it, in seconds",
        )
    if "run_id" not in table.columns:
        raise RunFolderError(
            f"{path}: found {', '.join(table.columns)}; a table of MLflow has run_id, or "
            f"{', '.join(PAGE_COLUMNS)}"
        )
    table = _with_duration(table)
    rows = [
        {("name" if key == f"tags.{NAME_TAG}" else key): value for key, value in row.items()
         if key == f"tags.{NAME_TAG}" or not key.startswith("tags.mlflow.")}
        for row in rows_of(table)
    ]  # fmt: skip
    for row in rows:
        row.setdefault("name", row["run_id"])
    return _of_rows(path, rows)


def _with_duration(table: pl.DataFrame) -> pl.DataFrame:
    """With end_time - start_time, both as ISO 8601 or in milliseconds."""
    if not {"start_time", "end_time"} <= set(table.columns):
        return table
    start, end = (_moment(table[name]) for name in ("start_time", "end_time"))
    return table.with_columns((end - start).cast(pl.String).alias(DURATION))


def _moment(text: pl.Series) -> pl.Series:
    """Seconds since 1970."""
    number = text.cast(pl.Float64, strict=False) / 1e3
    parsed = text.str.replace(" ", "T", literal=True).str.to_datetime(
        time_zone="UTC", strict=False, time_unit="us"
    )
    return number.fill_null(parsed.dt.epoch("us").cast(pl.Float64) / 1e6)


def _seconds(text: str) -> float | None:
    """Of "1.2min"."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(number) :].strip()
    try:
        return float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        return None
