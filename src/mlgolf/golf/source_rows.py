"""Which of a host's examples are meant: by place in the data, and by line of the file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import IntArray
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.text import enumerated
from mlgolf.workloads.graph.data import ROWS

SHOWN = 6  # examples that a message names


def source_file(row: WorkloadRules) -> str:
    """The host's file of examples; empty where they come from a library."""
    return (row.definition or {}).get("data", {}).get("file") or ""


def source_rows(split: Path, examples: int) -> IntArray:
    """(examples,): places in the host's data, from 0, of the examples of a prepared split."""
    file = split / ROWS
    return np.load(file) if file.exists() else np.arange(examples)


def line_of(file: str, row: int) -> int | None:
    """Of the file, from 1, where it is a table under a line of names."""
    return row + 2 if file.endswith(".csv") else None


def in_words(file: str, rows: Sequence[int]) -> str:
    """The first few of them: "lines 2, 3 and 7 of data.csv"; "examples 0 and 4, from 0"."""
    lines = [line_of(file, int(row)) for row in rows[:SHOWN]]
    more = len(rows) - len(lines)
    places = rows[:SHOWN] if None in lines else lines
    shown = enumerated([*places, *([f"{more} more"] if more else [])])
    return f"examples {shown}, from 0" if None in lines else f"lines {shown} of {file}"
