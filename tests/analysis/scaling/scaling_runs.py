"""Runs of known laws, and the published ones."""

from dataclasses import asdict, replace

import numpy as np

from mlgolf.analysis.scaling.form import Form, ScalingRuns
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.analysis.scaling.table import Choice, Columns, ScalingTable, read_runs
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
        Choice(without=None if outliers else "outlier_top5_loss"),
    )  # fmt: skip


def with_repeats(*, noise: float = 0.0, seed: int = 0) -> ScalingRuns:
    """Sizes on amounts of data, each seen once and up to 64 times, with R_D = 15 and R_N = 5."""
    params, tokens, epochs = (
        grid.ravel() for grid in np.meshgrid(
            np.geomspace(1e8, 1e10, 4), np.geomspace(1e9, 1e11, 4), [1.0, 2, 4, 8, 16, 32, 64]
        )
    )  # fmt: skip
    runs = ScalingRuns(params=params, tokens=tokens, loss=tokens, unique_tokens=tokens / epochs)
    form = Form(runs=runs)
    truth = {**asdict(LAW), "R_D": 15.0, "R_N": 5.0}
    exact = np.exp(form.predicted(form.theta_of(truth)[None])[0][0])
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(len(exact)))
    return replace(runs, loss=exact * scatter)


def on_one_ratio(*, noise: float = 0.002) -> ScalingRuns:
    """Twenty tokens for each parameter, as most people train."""
    params = np.geomspace(1e7, 1e10, 20)
    loss = LAW.loss(params, 20 * params)
    scatter = np.exp(noise * np.random.default_rng(0).standard_normal(len(params)))
    return ScalingRuns(params=params, tokens=20 * params, loss=loss * scatter)
