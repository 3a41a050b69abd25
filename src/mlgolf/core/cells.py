"""Cells of a game: the same data and objective with other hardware, time or pre-training.

A competition file lists them as [cells.NAME], each with what differs. `game@NAME` is then a
competition like any other, with a board of its own.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from mlgolf.core.rules import Par, Pretraining

SEPARATOR = "@"
_NOT_INHERITED = ("par", "incumbent")  # found under the other rules


class Cell(BaseModel):
    """What differs. `bounds` are by row of the competition, then by name; so are the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: str | None = None
    pretraining: Pretraining | None = None
    bounds: dict[str, dict[str, FiniteFloat]] = Field(default_factory=dict)
    eval_every_seconds: dict[str, float] = Field(default_factory=dict)
    par: dict[str, Par] = Field(default_factory=dict)

    def applied(self, record: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The record of a competition with this cell's changes.

        Raises: KeyError for a row that it does not have.
        """
        changes = self.model_dump(mode="json", exclude_none=True)
        rules = {key: changes[key] for key in ("hardware", "pretraining") if key in changes}
        rows = {
            row: {key: value for key, value in numbers.items() if key not in _NOT_INHERITED}
            for row, numbers in record["workloads"].items()
        }
        for row, bounds in self.bounds.items():
            rows[row] = {**rows[row], "bounds": {**rows[row].get("bounds", {}), **bounds}}
        for key in ("eval_every_seconds", "par"):
            for row, value in changes[key].items():
                rows[row] = {**rows[row], key: value}
        return {
            **record, "name": f"{record['name']}{SEPARATOR}{name}",
            "title": f"{record['title']}, cell {name}",
            "rules": {**record["rules"], **rules}, "workloads": rows,
        }


def split_name(name: str) -> tuple[str, str]:
    """(game, cell) of "game@cell"; the cell is empty where none is named."""
    game, separator, cell = name.rpartition(SEPARATOR)
    return (game, cell) if separator else (name, "")
