"""Each quantity of models against their error on the twin set, a panel each."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import quantity
from mlgolf.plots.theme import Style, steps_of

WIDTH, HEIGHT = 240, 170


def twin_panel(table: pl.DataFrame, style: Style) -> Any:
    """One quantity and one error of `tables.twin_table`."""
    measured, error = quantity(table["quantity"][0]), table["error"][0].replace("_", " ")
    unit = "" if measured.unit == "1" else f", {measured.unit}"
    points = alt.Chart(table.select("submission", "value", "twin")).mark_point(
        filled=True, size=26, opacity=0.7
    )
    return style.apply(points.encode(
        alt.X("value:Q", title=f"{measured.noun}{unit}", scale=alt.Scale(zero=False),
              axis=alt.Axis(grid=False, tickCount=5, **steps_of(measured))),
        alt.Y("twin:Q", title=f"{error} on the twin set", scale=alt.Scale(zero=False),
              axis=alt.Axis(domain=False, ticks=False, tickCount=5)),
        style.colour(),
    ).properties(width=WIDTH, height=HEIGHT))  # fmt: skip
