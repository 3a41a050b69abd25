"""Hours of all trials, and of those that did not reach the target."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 290, 26, 150


def training_time_of_submissions(table: pl.DataFrame, style: Style) -> Any:
    """A bar for each submission: full for trials that reached the target, pale for the others.

    `table` is `tables.training_time_table`.
    """
    order = list(style.submissions)
    short = (table["hours"].max() or 0.0) < 1.0  # type: ignore[operator]
    unit, factor = ("seconds", 3600.0) if short else ("hours", 1.0)
    table = table.with_columns(pl.col("hours", "hours_without_target") * factor)
    reached = pl.col("hours") - pl.col("hours_without_target")
    parts = pl.concat([
        table.select("submission", start=pl.lit(0.0), end=reached, strength=pl.lit(0.9)),
        table.select("submission", start=reached, end="hours", strength=pl.lit(0.35)),
    ])
    bars = (
        alt.Chart(parts, width=WIDTH, height=ROW * len(order))
        .mark_bar(height=ROW * 0.6)
        .encode(
            alt.X("start:Q", title=f"{unit} of training, all trials",
                  axis=alt.Axis(grid=False, tickCount=5)),
            alt.X2("end:Q"),
            alt.Y("submission:N", title=None, sort=order, scale=alt.Scale(domain=order),
                  axis=name_axis(LABELS)),
            style.colour(),
            alt.Opacity("strength:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0, 1])),
        )
    )
    return style.apply(bars)
