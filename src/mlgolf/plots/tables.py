"""The tables that figures are drawn from, one row per mark. Saved as CSV beside each figure.

All numbers come from `scoring`, so that a figure shows what was scored. Null stands for what was
never reached or not measured.
"""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from mlgolf.core.rules import constraint_target
from mlgolf.core.trial import Trial
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.profiles import share_within
from mlgolf.scoring.review import Review
from mlgolf.scoring.standings import Standings

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
PAIRS = {
    "submission": pl.String, "other": pl.String, "probability_ahead": pl.Float64,
    "decided": pl.Boolean,
}
LADDER = {
    "submission": pl.String, "eased": pl.Float64, "rank": pl.Int64, "score": pl.Float64,
    "expected_seconds": pl.Float64,
}
RUNTIMES = {"submission": pl.String, "budgets": pl.Float64, "solved": pl.Float64}
ABSENCES = {
    "without": pl.String, "submission": pl.String, "rank": pl.Int64, "rank_without": pl.Int64,
}
COSTS = {
    "submission": pl.String, "trials": pl.Int64, "hours": pl.Float64, "hours_in_vain": pl.Float64,
}


def curves_table(standings: Standings, trials: Iterable[Trial]) -> pl.DataFrame:
    """Every evaluation of every trial that counts: the validation metric over time.

    `best` marks the trial that stands for its study, `scored` the evaluation whose value counts,
    and `target` is the bound that the rules set on the metric, null where they set none.
    """
    in_order = sorted(trials, key=lambda trial: trial.key)
    return pl.DataFrame(
        [row for trial in in_order for row in _curve(standings, trial)], schema=CURVES,
        orient="row",
    )


def _curve(standings: Standings, trial: Trial) -> Iterator[tuple]:
    competition, pool = standings.competition, standings.pool
    at = pool.place(trial.key)
    if at is None:
        return
    numbers = competition.workloads[trial.key.workload]
    bound = competition.rules.bound_on("validation_metric")
    target = constraint_target(bound, numbers) if bound else None
    values = trial.values("validation_metric", numbers.metric)
    best = bool(standings.chosen[at[:-1]] == at[-1])
    for step, seconds, value in zip(trial.steps, trial.seconds, values, strict=True):
        yield (
            trial.key.submission, trial.key.workload, trial.key.study, trial.key.trial,
            best, bool(best and seconds == pool.seconds[at]),
            int(step), float(seconds), numbers.metric, numbers.goal.value, _finite(value),
            target.value if target else None,
        )


def studies_table(standings: Standings, trials: Iterable[Trial] = ()) -> pl.DataFrame:
    """Every study of a scored workload: winning trial, value of the objective, studies' median.

    Args:
      trials: where hyperparameters are taken from.
    """
    competition, pool = standings.competition, standings.pool
    medians, _ = standings.medians
    points = {pool.place(trial.key): trial.hyperparameters for trial in trials}
    rows = []
    for place in np.argwhere(pool.played.any(axis=-1)):
        row, column, study = place.tolist()
        workload = pool.workloads[column]
        if workload not in competition.scored_workloads:
            continue
        at = (row, column, study, int(standings.chosen[row, column, study]))
        numbers = competition.workloads[workload]
        sign = 1.0 if standings.falls[column] else -1.0
        rows.append((
            pool.submissions[row], workload, study, at[-1] + 1, competition.rules.objective,
            numbers.metric, objective_goal(competition.rules, numbers).value,
            _finite(sign * float(pool.worth[at])), _finite(float(pool.seconds[at])),
            _finite(sign * float(medians[row, column])), hyperparameters_json(points.get(at, {})),
        ))  # fmt: skip
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


def pairs_table(review: Review) -> pl.DataFrame:
    """Every two submissions, both ways: how likely the first is ahead, and whether beyond doubt."""
    rows = [
        row for pair in review.pairs for row in (
            (pair.ahead, pair.behind, pair.probability, pair.decided),
            (pair.behind, pair.ahead, 1 - pair.probability, pair.decided),
        )
    ]
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


def ladder_table(review: Review) -> pl.DataFrame:
    """Score and rank of every submission by how much the targets are eased."""
    rows = [
        (name, rung.eased, rung.ranks[name], score, rung.seconds[name])
        for rung in review.ladder for name, score in rung.scores.items()
    ]
    return pl.DataFrame(rows, schema=LADDER, orient="row")


def runtimes_table(review: Review) -> pl.DataFrame:
    """The share of pairs of workload and target that are solved by a time, in budgets."""
    rows = [] if review.runtimes is None else [
        (name, budgets, share) for name, shares in review.runtimes.solved.items()
        for budgets, share in zip(review.runtimes.budgets, shares, strict=True)
    ]
    return pl.DataFrame(rows, schema=RUNTIMES, orient="row")


def absences_table(review: Review) -> pl.DataFrame:
    """Who changes rank when one entrant is left out."""
    rows = [
        (absence.without, name, before, after)
        for absence in review.absences for name, (before, after) in absence.ranks.items()
    ]
    return pl.DataFrame(rows, schema=ABSENCES, orient="row")


def costs_table(review: Review) -> pl.DataFrame:
    """Hours on the clock of every submission, and how many of them were in vain."""
    rows = [(c.submission, c.trials, c.hours, c.hours_in_vain) for c in review.costs]
    return pl.DataFrame(rows, schema=COSTS, orient="row")


def hyperparameters_json(hyperparameters: Any) -> str:
    return json.dumps(dict(hyperparameters), default=str)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
