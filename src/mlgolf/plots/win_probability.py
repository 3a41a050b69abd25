"""Win probabilities: how likely one submission scores higher than another."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

CELL, LABELS = 38, 150


def win_probability_matrix(table: pl.DataFrame, style: Style) -> Any:
    """Each row against the submissions ranked below it. `table` is `tables.win_probability_table`.

    A cell is the probability, in percent, that the row's submission scores higher than the
    column's; framed where the difference of scores is significant.
    """
    order = list(style.submissions)
    place = {name: number for number, name in enumerate(order)}
    shown = table.filter(
        pl.col("submission").replace_strict(place, return_dtype=pl.Int64)
        < pl.col("other").replace_strict(place, return_dtype=pl.Int64)
    ).with_columns(label=(pl.col("win_probability") * 100).round().cast(pl.Int64))
    x = alt.X("other:N", title="probability (%) to score higher than", sort=order[1:],
              scale=alt.Scale(domain=order[1:]),
              axis=name_axis(LABELS, orient="top", labelAngle=-45, grid=False))
    y = alt.Y("submission:N", title=None, sort=order[:-1], scale=alt.Scale(domain=order[:-1]),
              axis=name_axis(LABELS, grid=False))
    data = alt.Chart(shown, width=CELL * (len(order) - 1), height=CELL * (len(order) - 1))
    strength = alt.Opacity(
        "win_probability:Q", legend=None,
        scale=alt.Scale(domain=[0.5, 1.0], range=[0.05, 0.5], clamp=True),
    )
    colour = style.theme.colours[0]
    layers = [
        data.mark_rect(color=colour).encode(x, y, strength),
        data.mark_text(color=style.theme.ink, fontSize=12).encode(x, y, alt.Text("label:Q")),
    ]
    if shown["significant"].any():
        significant = data.properties(data=shown.filter("significant"))
        layers.insert(1, significant.mark_rect(
            fillOpacity=0, stroke=style.theme.ink, strokeWidth=1.6
        ).encode(x, y))
    return style.apply(alt.layer(*layers))
