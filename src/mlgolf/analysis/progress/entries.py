"""Entries that reached one target: who, when, and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Entries:
    """Arrays have one value per entry, by date; of one date in the order in which they came.

    `numbers` are further columns, NaN where a cell is empty; `texts` the same, "" where empty.
    """

    target: str  # "": the table has one
    names: tuple[str, ...]
    years: FloatArray  # decimal
    dates: tuple[str, ...]  # as they are shown
    amounts: FloatArray  # compute, time, energy or money, above 0
    places: tuple[str, ...]  # for errors and flags: "runs.csv, line 3"
    numbers: Mapping[str, FloatArray] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def kept(self, rows: IntArray) -> "Entries":
        """Some of them, in the order of the rows."""
        def some(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[row] for row in rows)

        return replace(
            self, names=some(self.names), years=self.years[rows], dates=some(self.dates),
            amounts=self.amounts[rows], places=some(self.places),
            numbers={name: values[rows] for name, values in self.numbers.items()},
            texts={name: some(values) for name, values in self.texts.items()},
        )

    def without(self, row: int) -> "Entries":
        return self.kept(np.delete(np.arange(len(self)), row))

    def number(self, column: str) -> FloatArray:
        """(entries,): NaN where it is not known."""
        return self.numbers.get(column, np.full(len(self), np.nan))
