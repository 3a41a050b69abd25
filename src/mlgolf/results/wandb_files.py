"""Runs of W&B from files: tables that its page exports, or what a run leaves in its folder.

    runs.csv, runs.parquet                 a row per run: Name, State, Runtime, then keys
    history.csv, .parquet, .jsonl          a row per step of one run: _step, _runtime, then keys
    wandb/run-*/files/                     wandb-summary.json, config.yaml
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from mlgolf.core.errors import RunFolderError
from mlgolf.results.places import what_lies_at
from mlgolf.results.tracker_runs import TrackerRuns, read_exported_table, rows_of

SUMMARY, CONFIG = "wandb-summary.json", "config.yaml"
RUNTIMES = ("Runtime", "_runtime", "runtime")
STEPS, STATES, NAMES = ("_step", "Step"), ("State", "state"), ("Name", "name", "ID", "id")
_OWN = ("_step", "_runtime", "_timestamp", "_wandb", "Step")  # of W&B, and no metric


def read_wandb(paths: Sequence[Path]) -> TrackerRuns:
    """Of one table of runs, or of several files of one run each.

    Raises: RunFolderError for what is none of these.
    """
    rows: list[dict[str, Any]] = []
    metrics: dict[str, None] = {}
    for path in paths:
        if not path.exists():
            raise RunFolderError(f"{path}: there is no such file or folder")
        for found, its_metrics in _read(path):
            rows.append(found)
            metrics |= dict.fromkeys(its_metrics)
    columns = {name for row in rows for name in row}
    return TrackerRuns(
        path=paths[0], rows=rows, name=_first(NAMES, columns) or "Name",
        state=_first(STATES, columns), time=_first(RUNTIMES, columns),
        time_means="W&B's own, in seconds", metrics=tuple(metrics),
    )


def _first(names: Sequence[str], columns: set[str]) -> str:
    return next((name for name in names if name in columns), "")


def _read(path: Path) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Each run, and its columns that are known to be results."""
    if path.is_dir():
        yield from _folder(path)
    elif path.suffix == ".json":
        yield _summary(path)
    elif path.suffix == ".jsonl":
        yield _history(path, [*_lines(path)])
    else:
        table = read_exported_table(path)
        if _first(STEPS, set(table.columns)) and not _first(NAMES, set(table.columns)):
            yield _history(path, rows_of(table))
        else:
            _check_that_it_has_runs(path, table)
            yield from ((row, []) for row in rows_of(table))


def _check_that_it_has_runs(path: Path, table: pl.DataFrame) -> None:
    if not _first(NAMES, set(table.columns)):
        raise RunFolderError(
            f"{path}: found {', '.join(table.columns)}; a table of runs of W&B has Name or ID, "
            "one of a run's history has _step"
        )


def _folder(path: Path) -> Iterator[tuple[dict[str, Any], list[str]]]:
    found = sorted(path.rglob(SUMMARY))
    if not found:
        raise RunFolderError(
            f"{path} is {what_lies_at(path)}; expected W&B's folder, with "
            f"run-*/files/{SUMMARY}"
        )
    yield from map(_summary, found)


def _summary(path: Path) -> tuple[dict[str, Any], list[str]]:
    """What a run had at its end, with its configuration where that lies beside it."""
    told = _json(path, path.read_text(encoding="utf-8", errors="replace"))
    values = dict(_flat(told))
    metrics = [name for name in values if not name.startswith(_OWN) and _is_number(values[name])]
    runtime = values.pop("_wandb.runtime", None)
    head = {"Name": _run_name(path)}
    if runtime is not None:
        head["Runtime"] = runtime
    return {**_config(path.parent / CONFIG, values), **head, **values}, metrics


def _history(path: Path, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The last value of each key: a run is one row."""
    if not rows:
        raise RunFolderError(f"{path}: found no steps in it")
    last: dict[str, Any] = {}
    for row in rows:
        last |= {name: value for name, value in row.items() if value not in (None, "", "NaN")}
    metrics = [name for name in last if name not in _OWN and _is_number(last[name])]
    config = _config(path.parent / CONFIG, last)
    return {**config, "Name": _run_name(path), **last}, metrics


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _run_name(path: Path) -> str:
    """run-20261129_120000-1a2b3c of its folder, or the file's."""
    above = [folder.name for folder in path.absolute().parents]
    return next((name for name in above if name.startswith(("run-", "offline-run-"))), path.stem)


def _config(path: Path, taken: Mapping[str, Any]) -> dict[str, Any]:
    """lr: {value: 0.1} as lr; config.lr where the run has a result of that name."""
    if not path.is_file():
        return {}
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunFolderError(f"{path}: {str(error).splitlines()[0]}") from None
    if not isinstance(told, dict):
        return {}
    values = {
        name: part["value"] if isinstance(part, dict) and "value" in part else part
        for name, part in told.items() if not str(name).startswith(("_wandb", "wandb_version"))
    }
    return {f"config.{n}" if n in taken else n: value for n, value in _flat(values)}


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif not isinstance(value, list):
            yield f"{before}{name}", value


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise RunFolderError(f"{path}: not JSON: {error}") from None
    if not isinstance(told, dict):
        raise RunFolderError(f"{path}: found a {type(told).__name__}, expected keys and values")
    return told


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip():
            yield dict(_flat(_json(path, line)))
