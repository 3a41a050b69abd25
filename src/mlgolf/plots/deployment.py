"""A model before it is shipped: bounds, operators, throughput, and what 8 bits cost."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS, HEIGHT = 240, 24, 190, 190
RESULTS = ("pass", "cannot tell", "fail")  # a colour for each, by their places in the theme
COLOURS = {"pass": 2, "cannot tell": 4, "fail": 1}
LEAST, MOST = 1e-3, 1e3  # of the axis, in bounds

CHECKS = {
    "check": pl.String, "result": pl.String, "found": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "bound": pl.Float64, "share": pl.Float64,
}  # fmt: skip


def checks_chart(table: pl.DataFrame, style: Style) -> Any | None:
    """What was found as a share of its bound; None where no bound is above zero.

    Args: table: rows of CHECKS; shares are cut to the ends of the axis.
    """
    shown = table.filter(pl.col("share").is_not_null())
    if not len(shown):
        return None
    cut = [pl.col(name).clip(LEAST, MOST) for name in ("share", "low_share", "high_share")]
    shown = shown.with_columns(
        low_share=pl.col("low") / pl.col("bound"), high_share=pl.col("high") / pl.col("bound")
    ).with_columns(*cut)
    names = shown["check"].to_list()
    x = alt.X(
        "share:Q", title="found, as a share of its bound (log scale)",
        scale=alt.Scale(type="log", domain=[LEAST, MOST], nice=False),
        axis=alt.Axis(values=[1e-3, 1e-2, 0.1, 1, 10, 100, 1e3], format="~g", domain=False),
    )
    y = alt.Y("check:N", title=None, scale=alt.Scale(domain=names),
              axis=name_axis(LABELS, grid=False))  # fmt: skip
    colour = alt.Color("result:N", legend=None, scale=alt.Scale(
        domain=[*RESULTS], range=[style.theme.colours[COLOURS[one]] for one in RESULTS]
    ))  # fmt: skip
    here = alt.Chart(pl.DataFrame({"share": [1.0]})).mark_rule(color=style.theme.muted)
    return style.apply(alt.layer(
        here.encode(x),
        alt.Chart(shown).mark_rule(strokeWidth=1.6).encode(
            alt.X("low_share:Q"), y, alt.X2("high_share:Q"), colour
        ),
        alt.Chart(shown).mark_point(filled=True, size=70, opacity=1).encode(x, y, colour),
        width=WIDTH, height=ROW * len(names),
        title=alt.TitleParams(
            "Bounds", subtitle=["with 95% intervals; 1 is the bound, left of it is better"]
        ),
    ))  # fmt: skip


def shares_chart(table: pl.DataFrame, style: Style, title: str, x_title: str) -> Any:
    """A bar for each row of `name` and `value`, the largest first."""
    names = table["name"].to_list()
    return style.apply(
        alt.Chart(table.with_columns(submission=pl.lit(style.submissions[0])), width=WIDTH,
                  height=ROW * len(names), title=title)
        .mark_bar(height=ROW * 0.6)
        .encode(
            alt.X("value:Q", title=x_title, axis=alt.Axis(tickCount=4, domain=False)),
            alt.Y("name:N", title=None, scale=alt.Scale(domain=names),
                  axis=name_axis(LABELS, grid=False)),
            style.colour(),
        )
    )  # fmt: skip


def throughput_chart(table: pl.DataFrame, style: Style) -> Any:
    """Examples per second over batch sizes, a line for each number of threads (`submission`)."""
    sizes = sorted(set(table["batch_size"].to_list()))
    low, high = table["examples_per_second"].min(), table["examples_per_second"].max()
    decades = [
        10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)  # type: ignore[arg-type]
    ]
    x = alt.X(
        "batch_size:Q", title="batch size (log scale)", scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=sizes, grid=False),
    )
    y = alt.Y(
        "examples_per_second:Q", title="examples/s (log scale)",
        scale=alt.Scale(type="log", domain=[decades[0], decades[-1]]),
        axis=alt.Axis(domain=False, values=decades, format="~s"),
    )
    legend = alt.Legend(title=None, orient="top", symbolType="circle", symbolSize=80, offset=8)
    lines = alt.Chart(table).encode(x, y, style.colour(legend))
    return style.apply(alt.layer(
        lines.mark_line(strokeWidth=1.8), lines.mark_point(filled=True, size=50, opacity=1),
        width=WIDTH, height=HEIGHT, title="Throughput",
    ))  # fmt: skip


def checks_table(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Args: rows: of CHECKS without the share, which is null where the bound is zero."""
    table = pl.DataFrame(rows, schema=[*CHECKS][:-1], orient="row")
    kinds: Any = {name: kind for name, kind in CHECKS.items() if name != "share"}
    share = pl.when(pl.col("bound") > 0).then(pl.col("found") / pl.col("bound"))
    return table.cast(kinds).with_columns(share=pl.when(~share.is_nan()).then(share))
