"""Ranks at easier target levels."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style

WIDTH, ROW = 370, 30


def rank_against_target(table: pl.DataFrame, style: Style) -> Any:
    """A line for each submission, the best at the top; targets are easier to the right.

    `table` is `tables.target_levels_table`. Levels are drawn at equal distances.
    """
    levels = table["eased"].unique().sort().to_list()
    labels = [f"{100 * eased:g}%" for eased in levels]
    shown = table.with_columns(
        by=pl.col("eased").replace_strict(dict(zip(levels, labels, strict=True)),
                                          return_dtype=pl.String)
    )
    last = max(int(table["rank"].max() or 1), 2)  # type: ignore[arg-type]
    x = alt.X("by:N", title="targets easier by", sort=labels,
              axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y("rank:Q", title="rank (1 is best)", scale=alt.Scale(domain=[last, 1], nice=False),
              axis=alt.Axis(values=list(range(1, last + 1)), format="d", domain=False, ticks=False))
    data = alt.Chart(shown, width=WIDTH, height=ROW * last)
    colour = style.colour()
    return style.apply(alt.layer(
        data.mark_line(strokeWidth=2.2).encode(x, y, colour, style.dash()),
        data.mark_point(filled=True, size=46, opacity=1).encode(x, y, colour),
    ))
