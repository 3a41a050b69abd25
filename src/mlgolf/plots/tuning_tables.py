"""The tables that figures of tuning are drawn from, one row per mark; null: no result, no bound."""

import math

import polars as pl

from mlgolf.analysis.tuning.report import TuningReport
from mlgolf.core.text import number_of, significant

SHARED = {
    "method": pl.String, "point": pl.String, "workload": pl.String, "degradation": pl.Float64,
    "scale": pl.String, "shared": pl.Boolean,
}
TRANSFER = {
    "method": pl.String, "workload": pl.String, "variant": pl.String, "points": pl.Int64,
    "tau": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "p_value": pl.Float64,
    "loss": pl.Float64, "said": pl.String,
}


def shared_points_table(report: TuningReport) -> pl.DataFrame:
    """Every point that was run on all workloads; `shared` marks a method's best one to share."""
    rows = [
        (method, point.point, workload, value, found.scale, point is found.points[0])
        for method, found in report.sharing.items() for point in found.points
        for workload, value in point.degradation.items()
    ]
    return _finite(pl.DataFrame(rows, schema=SHARED, orient="row"))


def transfer_table(report: TuningReport) -> pl.DataFrame:
    """Every workload and variant of each method; `said` is what using the best point costs."""
    rows = []
    for (method, workload, variant), found in report.transfers.items():
        low, high = found.tau_interval or (None, None)
        rows.append((
            method, workload, variant, found.points, found.tau, low, high, found.p_value,
            found.loss, loss_in_words(found.loss, report.results.scale),
        ))  # fmt: skip
    return _finite(pl.DataFrame(rows, schema=TRANSFER, orient="row"))


def loss_in_words(loss: float, scale: str) -> str:
    """Of using a workload's best point on its variant."""
    if math.isinf(loss):
        return "no result"
    ratio = scale == "ratio"
    return f"{significant(loss, 3)} × best" if ratio else f"{significant(loss, 2)} spreads"


def trials_in_words(trials: tuple[int, ...]) -> str:
    """"1 to 3 trials", "5 trials", "1 to 3 and 7 to 9 trials"."""
    runs: list[list[int]] = []
    for k in trials:
        if runs and k == runs[-1][1] + 1:
            runs[-1][1] = k
        else:
            runs.append([k, k])
    said = [f"{low} to {high}" if high > low else str(low) for low, high in runs]
    return f"{' and '.join(said)} trials" if trials != (1,) else number_of(1, "trial")


def _finite(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
    )
