"""How long do curves over 100,000 runs take, 4,000 bootstrap fits of a scaling law, and a plan?

    analysis_speed.py

- A CSV of 100,000 rows (200 methods, 5 budgets, 100 seeds) is read and every method compared with
  the baseline; beside it, reading the same file with polars alone.
- 4,000 draws of a bootstrap over Chinchilla's 240 runs, each refitted from the optimum; beside it,
  some of the same draws in a loop of scipy's BFGS with the exact gradient, tight enough to reach
  the same optimum. The ratio is per fit; the largest difference of the two optima is printed.
- A plan for 500 dollars with all its sensitivities, imports done.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from common import print_machine, spread
from scipy.optimize import minimize

from mlgolf.analysis.curves.comparison import compared
from mlgolf.analysis.curves.measurements import read_table
from mlgolf.analysis.planning.plans import best_plan, sensitivities
from mlgolf.analysis.scaling.form import Form
from mlgolf.analysis.scaling.minimise import DELTA, minimise
from mlgolf.analysis.scaling.table import Columns, read_runs
from mlgolf.api.planning import plan
from mlgolf.core.arrays import FloatArray
from mlgolf.core.target import Goal
from mlgolf.data.tables import published_table

METHODS, BUDGETS, SEEDS, REPETITIONS = 200, 5, 100, 5
DRAWS, IN_LOOP = 4000, 40  # bootstrap fits, and how many of them the loop repeats
SCALE = 1e3  # of the objective in the loop, which is about 0.001: else BFGS stops early


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


def curves() -> None:
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



def bootstrap() -> None:
    table = published_table("chinchilla_runs")
    runs = read_runs(table, Columns(), without="outlier_top5_loss").runs
    form = Form(runs=runs)
    start = minimise(form, np.array([[6.0, 7.5, 0.6, -1.0, -1.0]])).theta
    weights = np.random.default_rng(0).exponential(size=(DRAWS, len(runs)))
    ours, loop, apart = [], [], []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        found = minimise(form, np.tile(start, (DRAWS, 1)), weights=weights)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        alone = [one_by_one(form, start[0], weight) for weight in weights[:IN_LOOP]]
        loop.append((time.perf_counter() - began) / IN_LOOP)
        apart.append(float(np.abs(np.array(alone) / found.objective[:IN_LOOP] - 1).max()))
    per_fit = [seconds / DRAWS for seconds in ours]
    print(
        f"{DRAWS:,} bootstrap fits of a scaling law to {len(runs)} runs: {spread(ours)} s; a loop "
        f"of scipy's BFGS takes {spread([b / a for a, b in zip(per_fit, loop, strict=True)])} "
        f"times as long per fit; objectives differ by {max(apart):.1e} at most"
    )


def one_by_one(form: Form, start: FloatArray, weight: FloatArray) -> float:
    def value(theta: FloatArray) -> tuple[float, FloatArray]:
        prediction, slopes = form.predicted(theta[None])
        residuals = prediction[0] - form.log_loss
        sizes = np.minimum(np.abs(residuals), DELTA)
        huber = (weight * sizes * (np.abs(residuals) - sizes / 2)).sum()
        return SCALE * huber, SCALE * slopes[0] @ (weight * np.clip(residuals, -DELTA, DELTA))

    return minimize(value, start, jac=True, method="BFGS", options={"gtol": 1e-9}).fun / SCALE


def planning() -> None:
    asked = plan(dollars=500).asked
    seconds = []
    for _ in range(4 * REPETITIONS):
        began = time.perf_counter()
        best_plan(asked)
        sensitivities(asked)
        seconds.append(1000 * (time.perf_counter() - began))
    print(f"a plan with its sensitivities over {len(asked.offers)} offers: {spread(seconds)} ms")


def main() -> None:
    print_machine()
    curves()
    bootstrap()
    planning()


if __name__ == "__main__":
    main()
