"""Performance profiles: in how many workloads a submission is within a factor of the best."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 370, 250


def profile(table: pl.DataFrame, style: Style) -> Any:
    """The steps of every submission. `table` is `tables.profile_table`."""
    chart = (
        alt.Chart(table, width=WIDTH, height=HEIGHT)
        .mark_line(interpolate="step-after", strokeWidth=2.2, strokeCap="butt")
        .encode(
            alt.X("tau:Q", title="τ: ratio to the best submission",
                  scale=alt.Scale(domain=_span(table), nice=False),
                  axis=alt.Axis(grid=False, tickCount=6)),
            alt.Y("share:Q", title="share of workloads within τ",
                  scale=alt.Scale(domain=[0, 1]),
                  axis=alt.Axis(format="%", domain=False, ticks=False, tickCount=5)),
            style.colour(),
            style.dash(),
        )
    )
    return style.apply(chart)


def _span(table: pl.DataFrame) -> list[float]:
    last = table["tau"].max()
    return [1.0, float(last) if last is not None else 4.0]  # type: ignore[arg-type]
