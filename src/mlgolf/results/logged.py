"""Numbers that a submission logged while it trained, by `workload.metrics_logger`, from log.txt.

A contestant writes this file, too: each line is looked at once, and long ones are left alone, so
that no log holds up who reads it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray

LARGEST = 20_000_000  # bytes; a longer log is left alone
LONGEST = 4_000  # characters of a line
MOST_DIGITS = 15  # of a step
MOST_NAMES = 1_000  # of what is logged; each takes memory, and others are left alone


def read_logged(path: Path) -> dict[str, tuple[IntArray, FloatArray]]:
    """Name -> (steps, values), in the order of the log. Nothing where there is none."""
    if not path.is_file() or not 0 < path.stat().st_size <= LARGEST:
        return {}
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        for step, name, value in _numbers(line):
            if name not in found and len(found) == MOST_NAMES:
                continue
            steps, values = found.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)
    return {
        name: (np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
        for name, (steps, values) in found.items()
    }


def _numbers(line: str) -> Iterator[tuple[int, str, float]]:
    """Of "step 3: loss=0.5 rate=1e-3"; nothing of a line that a program printed itself."""
    head, colon, shown = line.partition(": ")
    word, _, step = head.partition(" ")
    is_step = step.isascii() and step.isdigit() and len(step) <= MOST_DIGITS
    if word != "step" or not colon or not is_step or len(line) > LONGEST:
        return
    for part in shown.split(" "):
        name, _, text = part.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            continue
        if name:
            yield int(step), name, value
