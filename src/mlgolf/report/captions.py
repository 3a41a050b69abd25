"""The captions of a report's figures. Each can be understood without the rest of the page."""

from collections.abc import Sequence

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.rules import Aggregation, Rules, WorkloadRules
from mlgolf.core.text import number_of
from mlgolf.report.view import total_training_time
from mlgolf.report.words import missed_in_words, noun, noun_on
from mlgolf.scoring.diagnostics import TrainingTime
from mlgolf.scoring.target_levels import TargetLevel
from mlgolf.scoring.twin import Twin

TARGET_LEVELS = (
    "Rank of each submission if every target were easier by a share of its value. 0% are the "
    "targets of the rules. The same trials are scored again at every level."
)
LEAVE_ONE_OUT = (
    "Leave-one-out: how ranks change when one submission is removed. Each row removes one "
    "submission. Each cell shows the rank of another one among those that remain: by the scores of "
    "the leaderboard, then by scores computed without the removed one (blue: better, orange: "
    "worse). Submissions without a row change no rank."
)


def win_probability_caption(*, tested: bool) -> str:
    frames = (
        "Framed: the difference is significant, that is, its 95% interval does not contain 0. "
        "Intervals are widened to cover 95% also with few trials, so a pair near 100% may have no "
        "frame."
        if tested else "No pair is framed as significant: there are too few studies to test."
    )
    return (
        "Probability (%) that the row's submission scores higher than the column's, over resampled "
        f"trials. {frames}"
    )


def curves_caption(curves: pl.DataFrame, rules: Rules, *, all_trials: bool) -> str:
    others = " Thin lines: its other trials." if all_trials else " Other trials are not drawn."
    has_target = curves["target"].count() > 0
    first = " (the first trial, if none reached the target)" if has_target else ""
    target = " Dashed line: the target." if has_target else ""
    followed = rules.followed.noun
    kept = " where its bounds are kept" if rules.followed.measure and _has_target(rules) else ""
    return (
        f"{followed[0].upper()}{followed[1:]} against training time{kept}. Bold lines: the best "
        f"trial of each study{first}.{others} Dots: the evaluations that are scored.{target} The "
        "axes leave out the worst 10% of the values of bold lines, and all that came after the "
        "longest of them."
    )


def models_caption(models: pl.DataFrame, rules: Rules, row: WorkloadRules) -> str:
    measured = noun_on(rules.objective, row)
    par = " Dashed line: par, the best value that is known." if row.par else ""
    return (
        f"{measured[0].upper()}{measured[1:]} of every model that was judged, against the training "
        f"time at which it was handed over. {_which_are_valid(models)}{par}"
    )


def _which_are_valid(models: pl.DataFrame) -> str:
    if not models["valid"].any():
        return "None keeps all bounds."
    steps = "Steps: the best valid model so far, for each run."
    if models["valid"].all():
        return f"All keep all bounds. {steps}"
    return (
        "Filled: it keeps all bounds. Hollow: it does not; those far from the filled ones are not "
        f"drawn. {steps}"
    )


def twin_caption(twin: Twin) -> str:
    taken = "the model that counts of each run" if twin.one_of_each_run else (
        "all valid models of all runs"
    )
    of = f"{number_of(twin.num_runs, 'run')} of " + number_of(
        len(set(twin.submissions)), "submission"
    )
    return (
        "Each quantity that was measured of models, against their error on the twin set: examples "
        f"of the same kind that no score has seen. Points: {taken} ({len(twin.runs)} models, {of})."
    )


def studies_caption(studies: pl.DataFrame, rules: Rules, *, alone: bool) -> str:
    """Args: alone: whether a study is one run."""
    measured = noun(rules.objective)
    one, several = ("run", "runs") if alone else ("study", "studies")
    reached = (
        f" Dots: {several}; further left is better. Bars: the median over {several}, which is "
        "scored unless the leaderboard says why not."
        if studies["value"].count() else ""
    )
    missed = (
        f" Crosses with a count: {several} that {missed_in_words(rules)}."
        if studies["value"].has_nulls() else ""
    )
    no_bar = f" There is none where most {several} missed." if reached and missed else ""
    return f"{measured[0].upper()}{measured[1:]} of every {one}.{reached}{no_bar}{missed}"


def _has_target(rules: Rules) -> bool:
    return any(constraint.is_target for constraint in rules.constraints)


def profile_caption(aggregation: Aggregation) -> str:
    area = (
        " The score is the area under the curve, as a share of the largest possible area."
        if aggregation.workloads == "performance_profile" else ""
    )
    return (
        "Share of workloads on which a submission is within a factor τ of the best submission. "
        "Higher is better. At τ = 1 it is the share of workloads on which the submission itself is "
        "the best. A target that was not reached, or missed on a held-out variant, is never within "
        f"it.{area}"
    )


def runtimes_caption(levels: Sequence[TargetLevel]) -> str:
    eased = ", ".join(f"{100 * level.eased:g}%" for level in levels if level.eased)
    return (
        "Share of workload-target pairs that a submission reaches within a time, with simulated "
        "restarts: trials are drawn at random until one reaches the target, and their times add "
        "up. Higher and further left is better. Targets: those of the rules, and easier ones by "
        f"{eased}. Times are divided by the budget of the workload."
    )


def training_time_caption(times: Sequence[TrainingTime], competition: Competition) -> str:
    total, share = total_training_time(times)
    held_out = any(row.held_out_of for row in competition.workloads.values())
    also = ", those on held-out workloads too" if held_out else ""
    pale = f" Pale: the {share} spent on trials that {missed_in_words(competition.rules)}."
    missed = any(spent.hours_without_target for spent in times)
    return (
        f"Training time of all trials{also}; evaluations are not counted. {total} in total."
        f"{pale if missed else ''}"
    )
