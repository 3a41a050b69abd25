"""What each idea gave when it joined, in several orders, and what each recipe took."""

import math
from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.log_axis import log_axis
from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 330, 34, 190
LEAST_RANGE = 1.5  # of an axis, from its least to its most

# One row per order and place in it. Place 0 is the recipe without ideas, which has no factor. What
# is null is not known: an end of an interval that is a bound, the cost of what was never reached.
SCHEMA = {
    "cost": pl.String, "order": pl.String, "place": pl.Int64, "idea": pl.String,
    "year": pl.Int64, "paper": pl.String, "reached": pl.Int64, "seeds": pl.Int64,
    "median": pl.Float64, "least": pl.Float64, "most": pl.Float64, "factor": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "bound": pl.String, "share": pl.Float64,
    "per_year": pl.Float64, "spacing": pl.Float64,
}  # fmt: skip


def factors_chart(table: pl.DataFrame, style: Style, *, title: str) -> Any:
    """A row for each idea in the order of history, with a dot for each order of joining.

    Where two recipes missed the target, nothing is known of the idea between them, and there is no
    dot.
    Args:
      table: rows of SCHEMA of one cost.
      style: its submissions are the orders, the first of which orders the rows.
    """
    table = _with_years(table)
    shown = table.filter(pl.col("factor").is_not_null(), pl.col("bound") != "either")
    shown = shown.rename({"order": "submission"})
    known = shown.select("factor", "low", "high").fill_nan(None)
    least, most = _ends([1.0, *(v for column in known for v in column.drop_nulls())])
    shown = shown.with_columns(
        low=pl.col("low").fill_null(least).clip(least, most),
        high=pl.col("high").fill_null(most).clip(least, most),
    )
    names = _names(table, style.submissions[0])[1:]
    x = alt.X(
        "factor:Q", title="times less than before it joined (log scale)",
        scale=alt.Scale(type="log", domain=[least, most], nice=False),
        axis=log_axis(least, most, WIDTH, domain=False),
    )
    y = alt.Y("idea:N", title=None, scale=alt.Scale(domain=names), axis=_labels())
    apart = alt.YOffset("submission:N", scale=alt.Scale(domain=[*style.submissions], padding=0.9))
    legend = alt.Legend(title=None, orient="top", symbolType="circle", symbolOpacity=1)
    marks = alt.Chart(shown)
    return style.apply(alt.layer(
        alt.Chart(pl.DataFrame({"factor": [1.0]})).mark_rule(color=style.theme.muted).encode(x),
        marks.mark_rule(strokeWidth=1.6).encode(
            alt.X("low:Q"), y, apart, alt.X2("high:Q"), style.colour(legend)
        ),
        marks.mark_point(size=55, filled=True, opacity=1).encode(x, y, apart, style.colour(legend)),
        width=WIDTH, height=ROW * len(names), title=title,
    ))  # fmt: skip


def recipes_chart(table: pl.DataFrame, style: Style, *, title: str, axis: str) -> Any:
    """What each recipe took, from none of the ideas to all: median, and range over seeds.

    Args:
      table: rows of SCHEMA of one cost in one order.
      style: its only submission gives the colour.
      axis: the title of the axis, with its unit.
    """
    ordered = _with_years(table).sort("place").with_columns(submission=pl.lit(style.submissions[0]))
    names = ordered["idea"].to_list()
    shown = ordered.drop_nulls("median")
    least, most = _ends([*shown["least"].drop_nulls(), *shown["most"].drop_nulls()])
    shown = shown.with_columns(pl.col("most").fill_null(most))
    x = alt.X(
        "median:Q", title=axis, scale=alt.Scale(type="log", domain=[least, most], nice=False),
        axis=log_axis(least, most, WIDTH, domain=False),
    )
    y = alt.Y("idea:N", title=None, scale=alt.Scale(domain=names), axis=_labels())
    marks = alt.Chart(shown)
    layers = [
        marks.mark_rule(strokeWidth=1.6).encode(
            alt.X("least:Q"), y, alt.X2("most:Q"), style.colour()
        ),
        marks.mark_point(size=55, filled=True, opacity=1).encode(x, y, style.colour()),
    ]
    never = ordered.filter(pl.col("median").is_null())
    if len(never):
        words = alt.Chart(never).mark_text(align="left", fontSize=11, color=style.theme.muted)
        layers.append(words.encode(y, x=alt.value(4), text=alt.value("target not reached")))
    return style.apply(alt.layer(*layers, width=WIDTH, height=ROW * len(names), title=title))


def _labels() -> alt.Axis:
    return name_axis(LABELS, grid=False, labelPadding=10, minExtent=LABELS)


def _with_years(table: pl.DataFrame) -> pl.DataFrame:
    """Ideas as they are called in figures: "batch norm (2015)"."""
    return table.with_columns(idea=pl.format("{} ({})", "idea", "year"))


def _names(table: pl.DataFrame, order: str) -> list[str]:
    """The ideas in an order, that of no idea first."""
    return table.filter(pl.col("order") == order).sort("place")["idea"].to_list()


def _ends(values: list[float]) -> tuple[float, float]:
    """Of an axis with room around the values, which are above 0."""
    finite = [value for value in values if math.isfinite(value)] or [1.0]
    low, high = min(finite), max(finite)
    room = max((high / low) ** 0.06, math.sqrt(LEAST_RANGE / min(high / low, LEAST_RANGE)))
    return low / room, high * room
