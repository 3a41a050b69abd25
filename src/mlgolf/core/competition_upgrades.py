"""Competitions of earlier schema versions, brought up to date one step at a time.

Runs keep the competition that they were played under, and people keep files of theirs, so each
change of the schema has a function here that takes its record one version further.
"""

from collections.abc import Callable, Mapping
from typing import Any

Record = dict[str, Any]

_BOUNDS_OF_1 = ("target", "test_target", "budget_seconds", "step_limit")


def upgraded(record: Record) -> Record:
    """The record at today's version; as it is where it says no version that we know."""
    while isinstance(version := record.get("schema_version"), int) and version in _UPGRADES:
        record = _UPGRADES[version](record)
    return record


def _bounds_by_name(record: Record) -> Record:
    """1 to 2: the four numbers that bounded a trial become a table of any bounds."""
    workloads = record.get("workloads")
    if not isinstance(workloads, Mapping):
        return {**record, "schema_version": 2}
    return {
        **record, "schema_version": 2,
        "workloads": {name: _with_table(row) for name, row in workloads.items()},
    }


def _with_table(row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    others = {key: value for key, value in row.items() if key not in _BOUNDS_OF_1}
    bounds = {key: row[key] for key in _BOUNDS_OF_1 if row.get(key) is not None}
    return {**others, "bounds": bounds}


_UPGRADES: Mapping[int, Callable[[Record], Record]] = {1: _bounds_by_name}
