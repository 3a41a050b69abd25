"""The figures of tuning, not drawn yet, each with its table."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlgolf.analysis.tuning.report import TuningReport
from mlgolf.core.target import Goal
from mlgolf.plots.heading import Heading, unfair_notice
from mlgolf.plots.point_transfer import transfer_panel
from mlgolf.plots.shared_points import shared_point_panel
from mlgolf.plots.theme import Style
from mlgolf.plots.tuning_curves import MOST_TOGETHER, tuning_panel
from mlgolf.plots.tuning_tables import shared_points_table, transfer_table

COLUMNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningFigure:
    name: str  # of its files
    table: pl.DataFrame
    panels: Sequence[Any]
    heading: Heading


def tuning_figures(report: TuningReport) -> Iterator[TuningFigure]:
    """Curves with their bands, shared points, transfer: those that have data.

    With many methods a workload has a figure of its own, with a panel for each method.
    """
    methods = _methods(report)
    style = Style(submissions=methods)
    table, times = report.table(), report.results.scale == "ratio"
    workloads = table.partition_by("workload", maintain_order=True)
    if len(methods) <= MOST_TOGETHER:
        yield TuningFigure(
            name="tuning_curves", table=table, heading=heading(report),
            panels=[tuning_panel(part, style, times=times) for part in workloads],
        )
    else:
        for part in workloads:
            own, workload = part["method"].unique(maintain_order=True), part["workload"][0]
            yield TuningFigure(
                name="_".join(filter(None, ["tuning_curves", workload])), table=part,
                heading=heading(report, workload), panels=[
                    tuning_panel(part, style, times=times, highlighted=[name]) for name in own
                ],
            )
    for name, rows, panel, above in (
        ("shared_points", shared_points_table(report), shared_point_panel, _of_sharing()),
        ("transfer", transfer_table(report), transfer_panel, _of_transfer(report)),
    ):
        if len(rows):
            parts = rows.partition_by("method", maintain_order=True)
            panels = [panel(part, style) for part in parts]
            yield TuningFigure(name=name, table=rows, heading=above, panels=panels)


def heading(report: TuningReport, workload: str = "") -> Heading:
    """Of the curves. Args: workload: the one that is drawn; none: all."""
    goals = report.results.goals
    shown = {workload: goals[workload]} if workload else goals
    ways = {"lower": Goal.MINIMISE, "higher": Goal.MAXIMISE}
    better = {way: [w for w, goal in shown.items() if goal is one] for way, one in ways.items()}
    named = [f"{way} is better{_on(who, shown)}" for way, who in better.items() if who]
    reading = (
        f"Lines: the {report.statistic} of the best of so many trials; {', '.join(named)}. Bands: "
        f"{_percent(report)} intervals, which hold at all numbers of trials together; a band that "
        "reaches the edge is open there."
        + (" Grey: the other methods." if len(_methods(report)) > MOST_TOGETHER else "")
    )
    where = f" on {workload}" if workload else ""
    return Heading(
        title=f"The best of 1, 2, … trials{where}", reading=reading,
        notice=unfair_notice(report.results.unfair),
    )


def _methods(report: TuningReport) -> tuple[str, ...]:
    return tuple(dict.fromkeys(method for _, method in report.curves))


def _on(workloads: Sequence[str], all_of_them: Collection[str]) -> str:
    """Named only where not all are meant."""
    return "" if len(workloads) == len(all_of_them) else f" on {', '.join(workloads)}"


def _of_sharing() -> Heading:
    return Heading(
        title="One point for all workloads",
        reading="Every point of a method, against the best point of each workload: left is better. "
        "In colour: the best one to share. ×: no result. Medians over runs, without intervals.",
    )


def _of_transfer(report: TuningReport) -> Heading:
    return Heading(
        title="From a workload to its variant",
        reading="Whether points keep their ranks: right is better. Bars: "
        f"{_percent(report)} intervals, from 5 points on. At the right: what the workload's best "
        "point costs on the variant.",
    )


def _percent(report: TuningReport) -> str:
    return f"{100 * report.confidence:.3g}%"
