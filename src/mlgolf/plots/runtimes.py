"""Runtime distributions: the share of workloads and target levels reached within a time."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 370, 250
TICKS = [m * 10.0**e for e in range(-2, 3) for m in (1, 2, 5)]


def runtime_distributions(table: pl.DataFrame, style: Style) -> Any:
    """A rising curve for each submission. `table` is `tables.runtimes_table`."""
    chart = (
        alt.Chart(table, width=WIDTH, height=HEIGHT)
        .mark_line(strokeWidth=2.2, clip=True, interpolate="step-after")
        .encode(
            alt.X("budgets:Q", title="time with restarts / budget of the workload (log scale)",
                  scale=alt.Scale(type="log", domain=_span(table), nice=False),
                  axis=alt.Axis(grid=False, values=TICKS, labelOverlap="greedy",
                                labelSeparation=4)),
            alt.Y("solved:Q", title="share of workload-target pairs reached",
                  scale=alt.Scale(domain=[0, 1.02]),
                  axis=alt.Axis(format="%", domain=False, ticks=False,
                                values=[0, 0.25, 0.5, 0.75, 1])),
            style.colour(),
            style.dash(),
        )
    )
    return style.apply(chart)


def _span(table: pl.DataFrame) -> list[float]:
    """From where the first begins to rise to where the last has stopped."""
    last = table.group_by("submission").agg(pl.col("solved").max().alias("last"))
    changing = table.join(last, on="submission").filter(
        (pl.col("solved") > 0) & (pl.col("solved") < pl.col("last"))
    )["budgets"]
    if changing.is_empty():
        return [0.01, 100.0]
    return [float(changing.min()) / 1.2, float(changing.max()) * 1.2]  # type: ignore[arg-type]
