"""Trials from a published table, in which each trial is one row of times to targets."""

import math

import numpy as np
import polars as pl

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.rules import Constraint, Ruleset
from mlgolf.scoring.admission import (
    Admission,
    exclusion_notes,
    missing_notes,
    one_framework,
)
from mlgolf.scoring.kept_trials import MOST_STUDIES, TOO_MANY_STUDIES, UNEVALUATED
from mlgolf.scoring.pool import lay_out

# Which columns say when a constraint of the rules was first met.
_REACHED: dict[tuple[str, object], str] = {
    ("validation_metric", "target"): "val", ("test_metric", "test_target"): "test",
}


def admit_table(
    competition: Competition, table: pl.DataFrame, ruleset: Ruleset
) -> Admission:
    """The trials of a table that count under a competition's rules, and notes on the others.

    Args:
      table: as `results/trial_table.py` reads it.
    Raises: ScoringError where the rules ask for what such a table does not have, or a submission
      comes in two frameworks.
    """
    rules = competition.rules
    _check_that_times_suffice(competition)
    board = table.filter(
        (pl.col("version") == competition.published_as) & (pl.col("ruleset") == ruleset)
    )
    pairs = set(board.select("submission", "framework").iter_rows())
    framework = one_framework(pairs, rules)
    submissions = sorted(board["submission"].unique())
    tuning = rules.tuning.under(ruleset)
    board = board.with_columns(_exclusion(competition, tuning.trials).alias("exclusion"))
    left_out = board.filter(pl.col("exclusion").is_not_null())["exclusion"].value_counts()
    admitted = board.filter(pl.col("exclusion").is_null() | (pl.col("exclusion") == UNEVALUATED))
    workloads = list(competition.workloads)
    places = admitted.select(
        pl.col("submission").replace_strict(_numbers(submissions), return_dtype=pl.Int64),
        pl.col("workload").replace_strict(_numbers(workloads), return_dtype=pl.Int64),
        "study", pl.col("trial") - 1,
    ).to_numpy()
    budgets = np.array([
        rules.seconds_allowed(row, budget_factor=tuning.budget_factor)
        for row in competition.workloads.values()
    ])
    budgets = budgets[places[:, 1]] if len(places) else budgets[:0]
    objective, _ = _first_time(admitted, rules.constraints, budgets)
    choice, evaluation = _first_time(
        admitted, rules.trial_chosen_by or rules.constraints, budgets
    )
    spent = admitted["total_submission_time_s"].fill_null(0.0).to_numpy()
    pool = lay_out(
        places,
        {"objective": objective, "seconds": objective, "choice": choice, "evaluation": evaluation,
         "spent": spent, "ended": np.ones(len(spent), dtype=bool)},
        admitted["exclusion"].is_null().to_numpy(),
        submissions, workloads, tuning.studies,
    )  # fmt: skip
    notes = (
        *exclusion_notes(dict(left_out.iter_rows())), *missing_notes(pool, competition, ruleset)
    )
    return Admission(framework=framework, pool=pool, notes=notes)


def _numbers(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _check_that_times_suffice(competition: Competition) -> None:
    rules = competition.rules
    if rules.objective != "time":
        raise ScoringError(
            f"{competition.name} asks for the {rules.objective_quantity.noun}, but the table has "
            "only times to targets. Score the logs instead: mlgolf score LOGS"
        )
    if rules.aggregation.interpretations.target == "beaten":
        raise ScoringError(
            "the table says when a target was met, not when it was beaten. Score the logs instead: "
            "mlgolf score LOGS"
        )
    for constraint in (*rules.constraints, *rules.trial_chosen_by):
        known = (constraint.quantity, constraint.bound) in _REACHED
        if not known and (constraint.quantity, constraint.bound) != ("time", "budget_seconds"):
            raise ScoringError(
                f"{competition.name} bounds {constraint.quantity} by {constraint.bound}, which is "
                "not in the table. Score the logs instead: mlgolf score LOGS"
            )


def _exclusion(competition: Competition, trials: int) -> pl.Expr:
    """Why a row is left out; null if it counts."""
    unevaluated = pl.col("status") == "no_evals"
    if competition.rules.aggregation.interpretations.unevaluated == "never":
        unevaluated = pl.lit(False)
    return (
        pl.when(~pl.col("workload").is_in(list(competition.workloads)))
        .then(pl.lit(f"on workloads that {competition.name} does not have"))
        .when(pl.col("status").is_in(["trial_dir_missing", "workload_dir_missing"]))
        .then(pl.lit("without a folder in the logs"))
        .when(pl.col("trial") > trials)
        .then(pl.lit(f"beyond the {trials} trials a study that the rules allow"))
        .when(pl.col("study") >= MOST_STUDIES)
        .then(pl.lit(TOO_MANY_STUDIES))
        .when(unevaluated)
        .then(pl.lit(UNEVALUATED))
    )


def _first_time(
    rows: pl.DataFrame, constraints: tuple[Constraint, ...], budgets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Seconds until all targets among the constraints were met, and the evaluation; inf for never.

    Two targets that were each met once may never have been met together, so only one is allowed.
    """
    named = [
        _REACHED[constraint.quantity, constraint.bound] for constraint in constraints
        if (constraint.quantity, constraint.bound) in _REACHED
    ]
    if len(named) != 1:
        raise ScoringError(
            "the table says when each target was first met on its own, so it cannot be scored by "
            f"rules that ask for {len(named)} at once. Score the logs instead: mlgolf score LOGS"
        )
    seconds, evaluation = (
        rows[f"{named[0]}_reached_{what}"].fill_null(math.inf).to_numpy()
        for what in ("time_s", "eval")
    )
    bounded = any(constraint.quantity == "time" for constraint in constraints)
    late = seconds > budgets if bounded else np.zeros(len(seconds), dtype=bool)
    return np.where(late, np.inf, seconds), np.where(late, np.inf, evaluation)
