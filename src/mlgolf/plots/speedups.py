"""How much faster each of many methods is, with its interval, on several workloads."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 300, 19, 190

SCHEMA = {
    "workload": pl.String, "method": pl.String, "speedup": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "verdict": pl.String,
}  # fmt: skip


def speedups_chart(
    table: pl.DataFrame, style: Style, *, title: str, ends: tuple[float, float]
) -> Any:
    """One workload: the methods from fast to slow, 1 being the baseline.

    Args:
      table: rows of SCHEMA of that workload; intervals may be infinite or null.
      ends: of the axis of speed-ups, the same on all workloads; intervals are cut there.
    """
    least, most = ends
    shown = table.drop_nulls("speedup").with_columns(
        low=pl.col("low").fill_null(least).clip(least, most),
        high=pl.col("high").fill_null(most).clip(least, most),
        submission=pl.lit(style.submissions[0]),
    )
    order = shown.sort("speedup", descending=True)["method"].to_list()
    x = alt.X(
        "speedup:Q", title="times as fast as without (log scale)",
        scale=alt.Scale(type="log", domain=[least, most], nice=False),
        axis=alt.Axis(values=[0.5, 0.7, 1, 1.4, 2], format="~g", domain=False),
    )
    y = alt.Y("method:N", title=None, sort=order, axis=name_axis(LABELS, grid=False))
    clear = pl.col("verdict").is_in(["better", "worse"])
    base = alt.Chart(shown, width=WIDTH, height=ROW * len(order), title=title)
    dots = [
        alt.Chart(shown.filter(part)).mark_point(size=50, filled=filled, opacity=1)
        .encode(x, y, style.colour())
        for part, filled in ((clear, True), (~clear, False)) if len(shown.filter(part))
    ]
    return style.apply(alt.layer(
        alt.Chart(pl.DataFrame({"speedup": [1.0]})).mark_rule(color=style.theme.muted).encode(x),
        base.mark_rule(strokeWidth=1.6).encode(alt.X("low:Q"), y, alt.X2("high:Q"), style.colour()),
        *dots,
    ))
