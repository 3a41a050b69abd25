"""The figures of tuning, not drawn yet, each with its table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlgolf.analysis.tuning import TuningReport
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
    columns: int


def tuning_figures(report: TuningReport) -> Iterator[TuningFigure]:
    """Curves with their bands, shared points, transfer: those that have data.

    With many methods a workload has a figure of its own, with a panel for each method.
    """
    methods = tuple(dict.fromkeys(method for _, method in report.curves))
    style = Style(submissions=methods)
    table, times = report.table(), report.results.scale == "ratio"
    workloads = table.partition_by("workload", maintain_order=True)
    if len(methods) <= MOST_TOGETHER:
        yield TuningFigure(
            name="tuning_curves", table=table, columns=COLUMNS,
            panels=[tuning_panel(part, style, times=times) for part in workloads],
        )
    else:
        for part in workloads:
            own = part["method"].unique(maintain_order=True)
            yield TuningFigure(
                name="_".join(filter(None, ["tuning_curves", part["workload"][0]])), table=part,
                columns=COLUMNS, panels=[
                    tuning_panel(part, style, times=times, highlighted=[name]) for name in own
                ],
            )
    for name, rows, panel in (
        ("shared_points", shared_points_table(report), shared_point_panel),
        ("transfer", transfer_table(report), transfer_panel),
    ):
        if len(rows):
            parts = rows.partition_by("method", maintain_order=True)
            yield TuningFigure(
                name=name, table=rows, columns=COLUMNS,
                panels=[panel(part, style) for part in parts],
            )
