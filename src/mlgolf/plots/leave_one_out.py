"""Leave-one-out: how ranks change when one submission is removed."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

COLUMN, ROW, LABELS = 62, 30, 150


def leave_one_out_ranks(table: pl.DataFrame, style: Style) -> Any:
    """A row for each removed submission: ranks of the others that change, before and after.

    `table` is `tables.leave_one_out_table`. Blue is a better rank, orange a worse one.
    """
    moved = [name for name in style.submissions if name in table["submission"]]
    removed = [name for name in style.submissions if name in table["without"]]
    up, down = style.theme.colours[0], style.theme.colours[1]
    shown = table.with_columns(
        label=pl.format("{} to {}", "rank", "rank_without"),
        moved=pl.when(pl.col("rank_without") < pl.col("rank")).then(pl.lit("up"))
        .otherwise(pl.lit("down")),
    )
    x = alt.X("submission:N", title="change of rank of", sort=moved, scale=alt.Scale(domain=moved),
              axis=name_axis(LABELS, orient="top", labelAngle=-45, grid=False))
    y = alt.Y("without:N", title="removed", sort=removed, scale=alt.Scale(domain=removed),
              axis=name_axis(LABELS, grid=False))
    colour = alt.Color(
        "moved:N", legend=None, scale=alt.Scale(domain=["up", "down"], range=[up, down])
    )
    data = alt.Chart(shown, width=COLUMN * len(moved), height=ROW * len(removed))
    return style.apply(alt.layer(
        data.mark_rect(opacity=0.25).encode(x, y, colour),
        data.mark_text(color=style.theme.ink, fontSize=13).encode(x, y, alt.Text("label:N")),
    ))
