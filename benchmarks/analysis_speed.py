"""How long do curves over 100,000 runs take, table and all?

    analysis_speed.py

A CSV of 100,000 rows (200 methods, 5 budgets, 100 seeds) is read and every method compared with the
baseline; beside it, reading the same file with polars alone.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from common import print_machine, spread

from mlgolf.analysis.comparison import compared
from mlgolf.analysis.measurements import read_table
from mlgolf.core.target import Goal

METHODS, BUDGETS, SEEDS, REPETITIONS = 200, 5, 100, 5


def written(folder: str) -> Path:
    rng = np.random.default_rng(0)
    number = np.arange(METHODS * BUDGETS * SEEDS)
    method, budget = number // (BUDGETS * SEEDS), number // SEEDS % BUDGETS
    times = 2.0**budget * np.exp(0.03 * rng.standard_normal(len(number)))
    quality = 0.9 - 0.5 * times**-0.8 + 0.01 * rng.standard_normal(len(number))
    path = Path(folder) / "runs.csv"
    pl.DataFrame({
        "method": [f"method_{m}" for m in method], "seed": number % SEEDS, "time": times,
        "quality": quality,
    }).write_csv(path)
    return path


def main() -> None:
    print_machine()
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder)
        for _ in range(REPETITIONS):
            began = time.perf_counter()
            found = compared(read_table(path), "method_0", Goal.MAXIMISE)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            pl.read_csv(path)
            plain.append(time.perf_counter() - began)
    print(
        f"curves of {len(found.table.rows):,} runs, {len(found.points)} points and "
        f"{len(found.curves)} curves judged: {spread(ours)} s; reading the file alone "
        f"{spread(plain)} s, ratio {spread([a / b for a, b in zip(ours, plain, strict=True)])}"
    )


if __name__ == "__main__":
    main()
