"""The captions of a report's figures. Each can be understood without the rest of the page."""

from collections.abc import Sequence

import polars as pl

from mlgolf.core.quantities import is_target
from mlgolf.core.rules import Aggregation, Rules
from mlgolf.report.words import duration, noun
from mlgolf.scoring.diagnostics import Cost
from mlgolf.scoring.target_levels import TargetLevel

WIN_PROBABILITY = (
    "Probability (%) that the row's submission scores higher than the column's, over resampled "
    "trials. Framed: the difference is significant, that is, its 95% interval does not contain 0. "
    "This interval is wider than the resampled scores alone, so a pair near 100% may have no frame."
)
TARGET_LEVELS = (
    "Rank of each submission if all targets were easier, by the percentage on the horizontal axis. "
    "0% are the targets of the rules. The trials are the same at every level."
)
LEAVE_ONE_OUT = (
    "Leave-one-out: how ranks change when one submission is removed. Each row removes one "
    "submission; each cell shows the rank of another one before and after, among those that remain "
    "(blue: better, orange: worse). Submissions without a row change no rank."
)


def curves_caption(curves: pl.DataFrame, *, all_trials: bool) -> str:
    others = " Thin lines: its other trials." if all_trials else " Other trials are not drawn."
    has_target = curves["target"].count() > 0
    first = " (the first trial, if none reached the target)" if has_target else ""
    target = " Dashed line: the target." if has_target else ""
    return (
        "Validation metric against seconds on the clock. Bold lines: the best trial of each study"
        f"{first}.{others} Dots: the evaluations that are scored.{target} The worst 10% of the "
        "values of the best trials are outside the axes."
    )


def studies_caption(rules: Rules) -> str:
    measured = noun(rules.objective)
    missed = "reach the target" if _has_target(rules) else "meet the rules"
    return (
        f"{measured[0].upper()}{measured[1:]} of every study. Dots: studies; further left is "
        "better. Bars: their median, which is scored. Crosses at the right edge, and their "
        f"number: studies that did not {missed}."
    )


def _has_target(rules: Rules) -> bool:
    return any(is_target(constraint.bound) for constraint in rules.constraints)


def profile_caption(aggregation: Aggregation) -> str:
    area = (
        " The score is the area under the curve, as a share of the largest possible area."
        if aggregation.workloads == "performance_profile" else ""
    )
    return (
        "Share of workloads on which a submission is within a factor τ of the best submission. "
        "Higher is better. At τ = 1 it is the share of workloads on which the submission itself is "
        f"the best.{area}"
    )


def runtimes_caption(levels: Sequence[TargetLevel]) -> str:
    eased = ", ".join(f"{100 * level.eased:g}%" for level in levels if level.eased)
    return (
        "Share of all pairs of a workload and a target that a submission reaches within a time, if "
        "each failed trial is followed by another one, drawn at random from its trials. Higher and "
        f"further left is better. Targets: those of the rules, and easier ones by {eased}. Times "
        "are divided by the budget of the workload."
    )


def costs_caption(costs: Sequence[Cost]) -> str:
    hours = sum(cost.hours for cost in costs)
    without_target = sum(cost.hours_without_target for cost in costs)
    share = 100 * without_target / hours if hours else 0.0
    return (
        f"Hours on the clock of all trials, {duration(hours)} in total. Pale: the {share:.0f}% "
        "spent on trials that did not reach the target. Time for evaluations is not included."
    )
