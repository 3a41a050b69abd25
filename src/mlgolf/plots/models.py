"""Every model that was judged: its objective against the time at which it was handed over."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import Quantity, quantity
from mlgolf.plots.theme import Style, steps_of

WIDTH, HEIGHT = 340, 250
ROOM = 0.3  # around the valid models, as a share of their range


def models_over_time(table: pl.DataFrame, style: Style) -> Any:
    """`tables.models_table`. Filled points are valid, hollow ones not; steps are the best so far.

    The vertical axis is that of valid models and par: others beyond it are not drawn.
    """
    measured = quantity(table["quantity"][0])
    name = table["metric"][0] if measured.goal is None else measured.noun
    unit = "" if table["unit"][0] == "1" else f", {table['unit'][0]}"
    low, high = _ends(table)
    x = alt.X("seconds:Q", title="training time, s", axis=alt.Axis(grid=False, tickCount=6))
    y = alt.Y(
        "value:Q", title=f"{name}{unit}",
        axis=alt.Axis(domain=False, ticks=False, tickCount=6, **steps_of(measured)),
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
    )
    marks = {"clip": True, "size": 26, "strokeWidth": 1.2}
    points = table.select("submission", "seconds", "value", "valid")
    steps = table.filter(pl.col("best").is_not_null()).select(
        "submission", "seconds", "study", value="best"
    )
    layers = [
        *_par(table["par"][0], measured, style, y),
        alt.Chart(points.filter(~pl.col("valid")))
        .mark_point(filled=False, opacity=0.45, **marks).encode(x, y, style.colour()),
        alt.Chart(steps).mark_line(clip=True, interpolate="step-after", strokeWidth=1.4)
        .encode(x, y, style.colour(), style.dash(), alt.Detail("study:N")),
        alt.Chart(points.filter("valid")).mark_point(filled=True, opacity=0.8, **marks)
        .encode(x, y, style.colour()),
    ]  # fmt: skip
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT))


def _ends(table: pl.DataFrame) -> tuple[float, float]:
    valid = table.filter("valid")
    shown = valid if len(valid) else table
    seen = [*shown["value"].to_list(), *table["par"].drop_nulls().head(1)]
    span = max(seen) - min(seen) or abs(max(seen)) or 1.0
    return min(seen) - ROOM * span, max(seen) + ROOM * span


def _par(value: float | None, measured: Quantity, style: Style, y: alt.Y) -> list[alt.Chart]:
    if value is None:
        return []
    data = alt.Chart(pl.DataFrame({"value": [value]}))
    rule = data.mark_rule(strokeDash=[5, 4], color=style.theme.ink, strokeWidth=1).encode(y)
    label = data.mark_text(
        align="left", baseline="middle", dx=5, color=style.theme.ink, fontSize=12
    ).encode(alt.XValue(WIDTH), y, alt.TextValue(f"par {measured.number(value)}"))
    return [rule, label]
