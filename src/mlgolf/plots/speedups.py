"""How much faster each of many methods is, with its interval, on several workloads."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 300, 19, 180

SCHEMA = {
    "workload": pl.String, "method": pl.String, "speedup": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "verdict": pl.String,
}  # fmt: skip


def speedups_chart(
    table: pl.DataFrame, style: Style, *, title: str, ends: tuple[float, float]
) -> Any:
    """One workload: the methods from fast to slow, 1 being the baseline.

    Args:
      table: rows of SCHEMA of that workload; intervals may be infinite or null, and a speed-up is
        null where a method and the baseline have no quality in common.
      ends: of the axis of speed-ups, the same on all workloads; intervals are cut there, and a
        triangle stands for a speed-up beyond.
    """
    least, most = ends
    ordered = table.sort("speedup", descending=True, nulls_last=True).with_columns(
        low=pl.col("low").fill_null(least).clip(least, most),
        high=pl.col("high").fill_null(most).clip(least, most),
        submission=pl.lit(style.submissions[0]),
    )
    names = ordered["method"].to_list()
    x = alt.X(
        "speedup:Q", title="times as fast as without (log scale)",
        scale=alt.Scale(type="log", domain=[least, most], nice=False),
        axis=alt.Axis(values=[0.5, 0.7, 1, 1.4, 2], format="~g", domain=False),
    )
    labels = name_axis(LABELS, grid=False, labelPadding=10, minExtent=LABELS)  # room for triangles
    y = alt.Y("method:N", title=None, scale=alt.Scale(domain=names), axis=labels)
    shown = ordered.drop_nulls("speedup")
    rules = alt.Chart(shown).mark_rule(strokeWidth=1.6)
    return style.apply(alt.layer(
        alt.Chart(pl.DataFrame({"speedup": [1.0]})).mark_rule(color=style.theme.muted).encode(x),
        rules.encode(alt.X("low:Q"), y, alt.X2("high:Q"), style.colour()),
        *_marks(shown, x, y, style, ends), *_without(ordered, y, style),
        width=WIDTH, height=ROW * len(names), title=title,
    ))


def _marks(
    table: pl.DataFrame, x: alt.X, y: alt.Y, style: Style, ends: tuple[float, float]
) -> Iterator[alt.Chart]:
    """Dots, filled where a verdict is clear; triangles that point to what is beyond the axis."""
    value, clear = pl.col("speedup"), pl.col("verdict").is_in(["better", "worse"])
    shapes = (
        ("triangle-left", value < ends[0]), ("circle", value.is_between(*ends)),
        ("triangle-right", value > ends[1]),
    )  # fmt: skip
    for (shape, here), (filled, told) in product(shapes, ((True, clear), (False, ~clear))):
        part = table.filter(here, told).with_columns(value.clip(*ends))
        if len(part):
            size = 50 if shape == "circle" else 90
            marks = alt.Chart(part).mark_point(size=size, shape=shape, filled=filled, opacity=1)
            yield marks.encode(x, y, style.colour())


def _without(table: pl.DataFrame, y: alt.Y, style: Style) -> Iterator[alt.Chart]:
    """Words in the rows of methods that cannot be compared."""
    part = table.filter(pl.col("speedup").is_null())
    if len(part):
        words = alt.Chart(part).mark_text(align="left", fontSize=11, color=style.theme.muted)
        yield words.encode(y, x=alt.value(4), text=alt.value("no quality in common"))
