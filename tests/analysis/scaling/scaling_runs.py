"""Runs of known laws, and the published ones."""

import numpy as np

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.analysis.scaling.table import Columns, ScalingTable, read_runs
from mlgolf.data.tables import published_table

LAW = ScalingLaw(E=1.8, A=480.0, B=2100.0, alpha=0.35, beta=0.37)


def runs_of(law: ScalingLaw = LAW, *, noise: float = 0.0, seed: int = 0) -> ScalingRuns:
    """Five sizes on six amounts of data."""
    rng = np.random.default_rng(seed)
    params, tokens = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e10, 5), np.geomspace(1e9, 1e11, 6))
    )
    loss = law.loss(params, tokens) * np.exp(noise * rng.standard_normal(len(params)))
    return ScalingRuns(params=params, tokens=tokens, loss=loss)


def chinchilla(*, outliers: bool = False) -> ScalingTable:
    return read_runs(
        published_table("chinchilla_runs"), Columns(),
        without=None if outliers else "outlier_top5_loss",
    )  # fmt: skip
