"""The tables that figures are drawn from, one row per mark. Saved as CSV beside each figure.

All numbers come from `scoring`, so that a figure shows what was scored. Null stands for what was
never reached or not measured.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.rules import constraint_target
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, StudyResult
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.profiles import share_within

CURVES = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "trial": pl.Int64,
    "best": pl.Boolean, "scored": pl.Boolean, "step": pl.Int64, "seconds": pl.Float64,
    "metric": pl.String, "goal": pl.String, "value": pl.Float64, "target": pl.Float64,
}
STUDIES = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "trial": pl.Int64,
    "quantity": pl.String, "metric": pl.String, "goal": pl.String, "value": pl.Float64,
    "seconds": pl.Float64, "median": pl.Float64, "hyperparameters": pl.String,
}
PROFILE = {"submission": pl.String, "tau": pl.Float64, "share": pl.Float64}


def curves_table(competition: Competition, admission: Admission) -> pl.DataFrame:
    """Every evaluation of every trial that counts: the validation metric over time.

    `best` marks the winning trial of each study, `scored` the evaluation whose value counts, and
    `target` is the bound that the rules set on the metric, null where they set none.
    """
    rows = (
        row for result in admission.studies for trial in result.study.trials
        for row in _curve(competition, result, trial)
    )
    return pl.DataFrame(list(rows), schema=CURVES, orient="row")


def _curve(competition: Competition, result: StudyResult, trial: Trial) -> Iterator[tuple]:
    numbers = competition.workloads[trial.key.workload]
    bound = competition.rules.bound_on("validation_metric")
    target = constraint_target(bound, numbers) if bound else None
    values = trial.values("validation_metric", numbers.metric)
    best = trial is result.winner
    for step, seconds, value in zip(trial.steps, trial.seconds, values, strict=True):
        yield (
            trial.key.submission, trial.key.workload, trial.key.study, trial.key.trial,
            best, bool(best and seconds == result.reached.seconds),
            int(step), float(seconds), numbers.metric, numbers.goal.value, _finite(value),
            target.value if target else None,
        )


def studies_table(
    competition: Competition, admission: Admission, board: Leaderboard
) -> pl.DataFrame:
    """Every study of a scored workload: winning trial, value of the objective, studies' median."""
    medians = {
        (entry.submission, workload): cell.value
        for entry in board.entries for workload, cell in entry.cells.items()
    }
    rows = [
        (
            result.study.submission, result.study.workload, result.study.study,
            result.winner.key.trial, competition.rules.objective, numbers.metric,
            objective_goal(competition.rules, numbers).value,
            _finite(result.reached.value), _finite(result.reached.seconds),
            _finite(medians[result.study.submission, result.study.workload]),
            hyperparameters_json(result.winner.hyperparameters),
        )
        for result in admission.studies
        if result.study.workload in competition.scored_workloads
        for numbers in [competition.workloads[result.study.workload]]
    ]
    return pl.DataFrame(rows, schema=STUDIES, orient="row")


def profile_table(board: Leaderboard, tau_max: float) -> pl.DataFrame:
    """The performance profile of every submission, at each tau where any of them steps up."""
    ratios = np.array([[cell.ratio for cell in e.cells.values()] for e in board.entries])
    if ratios.size == 0:
        return pl.DataFrame(schema=PROFILE)
    taus = np.unique(np.concatenate([[1.0, tau_max], ratios[ratios <= tau_max]]))
    shares = share_within(ratios, taus)
    rows = [
        (entry.submission, float(tau), float(share))
        for entry, own in zip(board.entries, shares, strict=True)
        for tau, share in zip(taus, own, strict=True)
    ]
    return pl.DataFrame(rows, schema=PROFILE, orient="row")


def hyperparameters_json(hyperparameters: Any) -> str:
    return json.dumps(dict(hyperparameters), default=str)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
