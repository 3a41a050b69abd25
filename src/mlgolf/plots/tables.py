"""The tables that figures are drawn from, one row per mark. Saved as CSV beside each figure.

All numbers come from `scoring`, so a figure shows the scored values. Null means not reached, or not
measured.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from mlgolf.core.arrays import FloatArray
from mlgolf.core.trial import Trial
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.objective import feasible_rows, objective_goal
from mlgolf.scoring.profiles import share_within
from mlgolf.scoring.review import Review
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.twin import Twin

CURVES = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "trial": pl.Int64,
    "best": pl.Boolean, "scored": pl.Boolean, "step": pl.Int64, "seconds": pl.Float64,
    "metric": pl.String, "goal": pl.String, "value": pl.Float64, "target": pl.Float64,
}
STUDIES = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "trial": pl.Int64,
    "quantity": pl.String, "unit": pl.String, "metric": pl.String, "goal": pl.String,
    "value": pl.Float64, "seconds": pl.Float64, "median": pl.Float64, "hyperparameters": pl.String,
}
MODELS = {
    "submission": pl.String, "workload": pl.String, "study": pl.Int64, "seconds": pl.Float64,
    "quantity": pl.String, "unit": pl.String, "metric": pl.String, "goal": pl.String,
    "value": pl.Float64, "valid": pl.Boolean, "best": pl.Float64, "par": pl.Float64,
}
TWIN = {
    "submission": pl.String, "run": pl.Int64, "quantity": pl.String, "value": pl.Float64,
    "error": pl.String, "twin": pl.Float64,
}
PROFILE = {"submission": pl.String, "tau": pl.Float64, "share": pl.Float64}
WIN_PROBABILITY = {
    "submission": pl.String, "other": pl.String, "win_probability": pl.Float64,
    "significant": pl.Boolean,
}
TARGET_LEVELS = {
    "submission": pl.String, "eased": pl.Float64, "rank": pl.Int64, "score": pl.Float64,
    "expected_seconds": pl.Float64,
}
RUNTIMES = {"submission": pl.String, "budgets": pl.Float64, "solved": pl.Float64}
LEAVE_ONE_OUT = {
    "without": pl.String, "submission": pl.String, "rank": pl.Int64, "rank_without": pl.Int64,
}
COSTS = {
    "submission": pl.String, "trials": pl.Int64, "hours": pl.Float64,
    "hours_without_target": pl.Float64,
}


def curves_table(standings: Standings, trials: Iterable[Trial]) -> pl.DataFrame:
    """Every evaluation of every trial that counts: what its rules follow, over time.

    What is minimised itself is shown where the bounds on what must be reached are met.

    `best` marks the best trial of each study, `scored` the evaluation whose value counts, and
    `target` is the bound of the rules on the metric, null if they have none.
    """
    places = [(trial, standings.pool.place(trial.key)) for trial in trials]
    counted = sorted(
        ((trial, at) for trial, at in places if at is not None and len(trial.steps)),
        key=lambda pair: pair[0].key,
    )
    if not counted:
        return pl.DataFrame(schema=CURVES)
    lengths = [len(trial.steps) for trial, _ in counted]
    heads = pl.DataFrame([_head(standings, *pair) for pair in counted], orient="row", schema={
        name: kind for name, kind in CURVES.items() if name not in ("step", "seconds", "value")
    } | {"scored": pl.Float64})
    columns = {
        "step": np.concatenate([trial.steps for trial, _ in counted]),
        "seconds": np.concatenate([trial.seconds for trial, _ in counted]),
        "value": np.concatenate([_metric(standings, trial) for trial, _ in counted]),
    }
    table = heads[np.repeat(np.arange(len(counted)), lengths)].with_columns(**columns)
    finite = pl.when(pl.col("value").is_finite()).then("value")
    scored = pl.col("best") & (pl.col("seconds") == pl.col("scored"))
    return table.with_columns(value=finite, scored=scored).select(
        pl.col(name).cast(kind) for name, kind in CURVES.items()
    )


def _head(standings: Standings, trial: Trial, at: tuple[int, int, int, int]) -> tuple:
    """What all evaluations of a trial have in common; `scored` is the second of the one that is."""
    row = standings.competition.workloads[trial.key.workload]
    rules = standings.competition.rules
    followed = rules.followed
    bound = rules.bound_on(followed.name)
    target = rules.target(bound, row) if bound else None
    return (
        trial.key.submission, trial.key.workload, trial.key.study, trial.key.trial,
        bool(standings.chosen[at[:-1]] == at[-1]), float(standings.pool.seconds[at]),
        row.metric if followed.goal is None else followed.noun,
        (followed.goal or row.goal).value, target.value if target else None,
    )


def _metric(standings: Standings, trial: Trial) -> FloatArray:
    rules, row = standings.competition.rules, standings.competition.workloads[trial.key.workload]
    values = trial.values(rules.followed.name, row.metric)
    if rules.objective_quantity.accumulates:
        return values
    reached = rules.targets(row, [c for c in rules.constraints if c.is_target])
    return np.where(feasible_rows(trial, reached, row.metric), values, np.nan)


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
        workload_rules = competition.workloads[workload]
        sign = 1.0 if standings.minimised[column] else -1.0
        rows.append((
            pool.submissions[row], workload, study, at[-1] + 1, competition.rules.objective,
            workload_rules.unit(competition.rules.objective), workload_rules.metric,
            objective_goal(competition.rules, workload_rules).value,
            _finite(sign * float(pool.objective[at])), _finite(float(pool.seconds[at])),
            _finite(sign * float(medians[row, column])), hyperparameters_json(points.get(at, {})),
        ))  # fmt: skip
    return pl.DataFrame(rows, schema=STUDIES, orient="row")


def models_table(
    standings: Standings, trials: Iterable[Trial], budget_factor: float
) -> pl.DataFrame:
    """Every model that was judged on the one scored workload: the objective, over time.

    `valid` says whether it keeps all bounds, `best` is the best valid value of its run so far.
    """
    competition, (workload,) = standings.competition, standings.competition.scored_workloads
    rules, row = competition.rules, competition.workloads[workload]
    goal = objective_goal(rules, row)
    frames = [pl.DataFrame(schema=MODELS)]
    for trial in sorted(trials, key=lambda trial: trial.key):
        if standings.pool.place(trial.key) is None or trial.key.workload != workload:
            continue
        targets = rules.targets(row, budget_factor=budget_factor, speed=trial.speed)
        values = trial.values(rules.objective, row.metric)
        valid = feasible_rows(trial, targets, row.metric) & np.isfinite(values)
        best = np.minimum.accumulate(np.where(valid, goal.sign * values, np.inf))
        known = {
            "submission": trial.key.submission, "workload": workload, "study": trial.key.study,
            "quantity": rules.objective, "unit": row.unit(rules.objective), "metric": row.metric,
            "goal": goal.value,
            "par": row.par.value if row.par else None,
        }
        frames.append(pl.DataFrame({
            **{name: [value] * len(values) for name, value in known.items()},
            "seconds": trial.seconds, "value": values, "valid": valid, "best": goal.sign * best,
        }).select(pl.col(name).cast(kind) for name, kind in MODELS.items()))
    finite = pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
    return pl.concat(frames).with_columns(finite).filter(pl.col("value").is_not_null())


def twin_table(found: Twin | None) -> pl.DataFrame:
    """Each model of the comparison, for each quantity and each error on the twin set."""
    if found is None:
        return pl.DataFrame(schema=TWIN)
    rows = [
        (submission, int(run), name, float(value), error, float(of_twin))
        for name in found.quantities for error in found.errors
        for submission, run, value, of_twin in zip(
            found.submissions, found.runs, found.columns[name], found.columns[error], strict=True
        )
    ]
    return pl.DataFrame(rows, schema=TWIN, orient="row")


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


def win_probability_table(review: Review) -> pl.DataFrame:
    """Each pair in both orders: probability that the first scores higher; whether significant."""
    rows = [
        row for pair in review.win_probability for row in (
            (pair.ahead, pair.behind, pair.probability, pair.significant),
            (pair.behind, pair.ahead, 1 - pair.probability, pair.significant),
        )
    ]
    return pl.DataFrame(rows, schema=WIN_PROBABILITY, orient="row")


def target_levels_table(review: Review) -> pl.DataFrame:
    """Score and rank of every submission at every target level."""
    rows = [
        (name, level.eased, level.ranks[name], score, level.seconds[name])
        for level in review.target_levels for name, score in level.scores.items()
    ]
    return pl.DataFrame(rows, schema=TARGET_LEVELS, orient="row")


def runtimes_table(review: Review) -> pl.DataFrame:
    """The share of workloads and target levels reached within a time, in budgets."""
    rows = [] if review.runtimes is None else [
        (name, budgets, share) for name, shares in review.runtimes.solved.items()
        for budgets, share in zip(review.runtimes.budgets, shares, strict=True)
    ]
    return pl.DataFrame(rows, schema=RUNTIMES, orient="row")


def leave_one_out_table(review: Review) -> pl.DataFrame:
    """Submissions whose rank changes when another is removed."""
    rows = [
        (left_out.without, name, before, after)
        for left_out in review.leave_one_out for name, (before, after) in left_out.ranks.items()
    ]
    return pl.DataFrame(rows, schema=LEAVE_ONE_OUT, orient="row")


def training_time_table(review: Review) -> pl.DataFrame:
    """Hours on the clock of every submission, and of its trials that missed the target."""
    rows = [(c.submission, c.trials, c.hours, c.hours_without_target) for c in review.training_time]
    return pl.DataFrame(rows, schema=COSTS, orient="row")


def hyperparameters_json(hyperparameters: Any) -> str:
    return json.dumps(dict(hyperparameters), default=str)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
