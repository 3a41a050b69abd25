"""Time to target against the learning rate, as a multiple of a published one."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 292, 190
CROSS = "M-.7,-.7L.7,.7M-.7,.7L.7,-.7"
NEVER = 1.25  # times the largest value: where a cross stands for what was never reached


def learning_rate_curve(table: pl.DataFrame, style: Style) -> Any:
    """One workload: both axes logarithmic, a cross above where the target was not reached.

    Args: table: `submission`, `workload`, `factor` (what the rate is multiplied by), and `seconds`
      to target, null where it was not reached; in any order.
    """
    factors = sorted(table["factor"].unique().to_list())
    x = alt.X(
        "factor:Q", title="learning rate, times the published one",
        scale=alt.Scale(type="log", base=2, domain=[factors[0], factors[-1]], padding=12),
        axis=alt.Axis(values=factors, labelExpr=_as_fractions(), grid=False),
    )
    y = alt.Y(
        "shown:Q", title="time to target, s (log scale)",
        scale=alt.Scale(type="log", domain=_ends(table), nice=False),
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, minExtent=34),
    )
    reached = table.drop_nulls("seconds").sort("factor").with_columns(shown="seconds")
    lines = alt.Chart(reached.select("submission", "factor", "shown")).encode(
        x, y, style.colour()
    )
    layers = [
        lines.mark_line(strokeWidth=1.8).encode(style.dash()),
        lines.mark_point(filled=True, size=34, opacity=1),
        *_never(table, style, x, y),
    ]
    title = table["workload"][0]
    return style.apply(alt.layer(*layers, title=title, width=WIDTH, height=HEIGHT))


def _never(table: pl.DataFrame, style: Style, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    never = table.filter(pl.col("seconds").is_null())
    if never.is_empty():
        return []
    data = alt.Chart(never.select("submission", "factor", shown=pl.lit(_ends(table)[1])))
    cross = data.mark_point(shape=CROSS, size=60, strokeWidth=2, opacity=1)
    return [cross.encode(x, y, style.colour())]


def _ends(table: pl.DataFrame) -> list[float]:
    values = table["seconds"].drop_nulls()
    if values.is_empty():
        return [1.0, 2.0]
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    return [low / 1.1, high * (NEVER if table["seconds"].has_nulls() else 1.1)]


def _as_fractions() -> str:
    """Labels below 1 as "1/4"."""
    return "datum.value < 1 ? '1/' + format(1 / datum.value, 'd') : format(datum.value, 'd')"
