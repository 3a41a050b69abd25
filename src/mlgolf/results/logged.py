"""Numbers that a submission logged while it trained, by `workload.metrics_logger`, from log.txt."""

import re
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray

LINE = re.compile(r"^step (\d+): (\S+=\S+(?: \S+=\S+)*)$", re.MULTILINE)
LARGEST = 100_000_000  # bytes; a longer log is left alone


def read_logged(path: Path) -> dict[str, tuple[IntArray, FloatArray]]:
    """Name -> (steps, values), in the order of the log. Nothing where there is none."""
    if not path.is_file() or not 0 < path.stat().st_size <= LARGEST:
        return {}
    found: dict[str, tuple[list[int], list[float]]] = {}
    for step, shown in LINE.findall(path.read_text(encoding="utf-8", errors="replace")):
        for part in shown.split(" "):
            name, _, text = part.rpartition("=")
            try:
                value = float(text)
            except ValueError:
                continue  # what a program printed itself, and looks alike
            steps, values = found.setdefault(name, ([], []))
            steps.append(int(step))
            values.append(value)
    return {
        name: (np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
        for name, (steps, values) in found.items()
    }
