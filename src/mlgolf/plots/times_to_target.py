"""The objective of every study, for instance times to target: the spread behind each median."""

import math
from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import quantity
from mlgolf.plots.theme import Style, name_axis, steps_of

WIDTH, ROW = 200, 24
LABELS = 124
APART = 0.1  # a range as a share of its end, in which labels are shortened


def times_panel(table: pl.DataFrame, style: Style) -> Any:
    """One workload of `tables.studies_table`, better to the left.

    A point for each study, and a bar at the median.
    Studies that did not reach the target are a cross at the right edge.
    """
    first = table.row(0, named=True)
    title = _axis_title(first) + " (log scale)" * _logarithmic(table)
    x = alt.X("shown:Q", title=title, scale=_scale(table), axis=_axis(table))
    y = alt.Y(
        "submission:N", title=None, sort=list(style.submissions),
        scale=alt.Scale(domain=list(style.submissions)),
        axis=name_axis(LABELS, grid=True, minExtent=LABELS),
    )
    reached = table.filter(pl.col("value").is_not_null()).with_columns(shown="value")
    layers = [
        _points(reached).mark_point(filled=True, size=52, opacity=0.75).encode(
            x, y, style.colour()
        ),
        _points(reached.filter(pl.col("median").is_not_null()).with_columns(shown="median"))
        .mark_tick(thickness=2.5, size=ROW * 0.75, opacity=1).encode(x, y, style.colour()),
        *_never(table, style, x, y),
    ]
    height = ROW * len(style.submissions)
    return style.apply(
        alt.layer(*layers, title=first["workload"], width=WIDTH, height=height)
    )


def _points(table: pl.DataFrame) -> alt.Chart:
    return alt.Chart(table.select("submission", "study", "shown"))


def _never(table: pl.DataFrame, style: Style, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    never = table.filter(pl.col("value").is_null())
    if never.is_empty():
        return []
    edge = _ends(table)[1]
    # Crosses of one submission would overlap, so their number is written beside.
    rows = [
        {"submission": name, "shown": edge, "label": f"×{count}"}
        for name, count in never.group_by("submission", maintain_order=True).len().rows()
    ]
    data = alt.Chart(pl.DataFrame(rows))
    cross = data.mark_point(
        shape="M-.7,-.7L.7,.7M-.7,.7L.7,-.7", size=60, strokeWidth=2, opacity=1
    ).encode(x, y, style.colour())
    text = {"align": "right", "dx": -10, "fontSize": 11}
    halo = data.mark_text(**text, stroke=style.theme.paper, strokeWidth=5).encode(
        x, y, alt.Text("label:N")
    )
    label = data.mark_text(**text, color=style.theme.muted).encode(x, y, alt.Text("label:N"))
    return [cross, halo, label]


def _ends(table: pl.DataFrame) -> tuple[float, float]:
    """The better and the worse end of the axis, with room for what was never reached."""
    values = table["value"].drop_nulls()
    if values.is_empty():
        return 1.0, 2.0
    minimised = table["goal"][0] == "minimise"
    better, worse = sorted([float(values.min()), float(values.max())],  # type: ignore[arg-type]
                           reverse=not minimised)
    never = 0.5 if table["value"].has_nulls() else 0.06
    if _logarithmic(table):
        span = math.log(worse / better) or 1.0
        return better * math.exp(-0.06 * span), worse * math.exp(never * span)
    span = worse - better or 0.1 * abs(better) or 0.1
    return better - 0.06 * span, worse + never * span


def _logarithmic(table: pl.DataFrame) -> bool:
    values = table["value"].drop_nulls()
    accumulates = quantity(table["quantity"][0]).accumulates
    return accumulates and bool((values > 0).all())


def _scale(table: pl.DataFrame) -> alt.Scale:
    kind = "log" if _logarithmic(table) else "linear"
    better, worse = _ends(table)
    ends = sorted([better, worse])
    return alt.Scale(type=kind, domain=ends, reverse=better > worse, nice=False, zero=False)


def _axis(table: pl.DataFrame) -> alt.Axis:
    if table["value"].drop_nulls().is_empty():  # no value, so no numbers on the axis
        return alt.Axis(grid=False, labels=False, ticks=False)
    low, high = sorted(_ends(table))
    # Short labels of numbers that lie close together would be the same.
    short = "datum.value >= 10000 ? format(datum.value, '~s') : datum.label"
    shortened = {"labelExpr": short} if high - low > APART * high else {}
    return alt.Axis(
        grid=False, tickCount=5, labelOverlap="greedy", labelSeparation=8, **shortened,
        **steps_of(quantity(table["quantity"][0])),
    )


def _axis_title(row: dict[str, Any]) -> str:
    measured = quantity(row["quantity"])
    if measured.goal is None:
        return row["metric"]
    unit = "" if row["unit"] == "1" else f", {row['unit']}"
    return f"{measured.noun}{unit}"
