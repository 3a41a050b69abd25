"""Who helps whom: a method x method matrix, main effects on the diagonal, interactions below."""

import math
from typing import Any

import altair as alt
import polars as pl

from mlgolf.analysis.ablation.effects import Effect, Effects
from mlgolf.analysis.ablation.experiment import Ablation
from mlgolf.core.text import significant
from mlgolf.plots.theme import Style, name_axis

CELL_WIDTH, CELL_HEIGHT, LABELS = 112, 50, 150
SIGNIFICANT = 0.05
MEAN = "mean of all"

SCHEMA = {
    "workload": pl.String, "row": pl.String, "column": pl.String, "kind": pl.String,
    "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "bound": pl.String,
    "adjusted_p": pl.Float64, "aliased_with": pl.String, "label": pl.String, "interval": pl.String,
}  # fmt: skip


def interactions_table(ablation: Ablation) -> pl.DataFrame:
    """What is drawn: a row for each main effect and interaction of each workload."""
    rows = [
        _row(ablation, found, effect)
        for found in ablation.all_effects for effect in (*found.mains, *found.interactions)
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def interactions_matrix(
    table: pl.DataFrame, factors: list[str], style: Style, *, title: str, most: float
) -> Any:
    """One workload. Blue helps, orange hurts; framed if that is beyond chance (Holm).

    Args:
      table: rows of `interactions_table` of that workload.
      most: the largest effect of all figures, which has the strongest colour.
    """
    x = alt.X("column:N", title=None, sort=factors, scale=alt.Scale(domain=factors),
              axis=name_axis(LABELS, labelAngle=-30, grid=False))
    y = alt.Y("row:N", title=None, sort=factors, scale=alt.Scale(domain=factors),
              axis=name_axis(LABELS, grid=False))
    shown = table.with_columns(
        size=pl.when(pl.col("bound") == "either").then(0.0).otherwise(pl.col("estimate").abs()),
        way=pl.when(pl.col("estimate") >= 0).then(pl.lit("helps")).otherwise(pl.lit("hurts")),
    )
    colours = alt.Scale(domain=["helps", "hurts"], range=[*style.theme.colours[:2]])
    data = alt.Chart(
        shown, width=CELL_WIDTH * len(factors), height=CELL_HEIGHT * len(factors),
        title=title,
    )
    layers = [
        data.mark_rect().encode(
            x, y, alt.Color("way:N", scale=colours, legend=None),
            alt.Opacity("size:Q", legend=None, scale=alt.Scale(
                domain=[0, most], range=[0.04, 0.45]
            )),
        ),
        data.mark_text(color=style.theme.ink, fontSize=13, fontWeight=600, dy=-7).encode(
            x, y, alt.Text("label:N")
        ),
    ]  # fmt: skip
    told = shown.filter(pl.col("interval") != "")
    if len(told):
        interval = data.properties(data=told).mark_text(color=style.theme.ink, fontSize=11, dy=10)
        layers.append(interval.encode(x, y, alt.Text("interval:N")))
    clear = shown.filter(pl.col("adjusted_p").fill_null(1.0) < SIGNIFICANT)
    if len(clear):
        frame = data.properties(data=clear).mark_rect(
            fillOpacity=0, stroke=style.theme.ink, strokeWidth=1.6
        )
        layers.insert(1, frame.encode(x, y))
    return style.apply(alt.layer(*layers))


def _row(ablation: Ablation, found: Effects, effect: Effect) -> tuple[Any, ...]:
    first, last = effect.methods[0], effect.methods[-1]
    low, high = effect.interval
    aliased = "; ".join(
        f"{'-' * (sign < 0)}{' x '.join(term)}"
        for term, sign in ablation.design.aliases[effect.methods]
    )
    mark = {"at least": "≥ ", "at most": "≤ "}.get(effect.bound, "")
    number = f"{mark}{_number(ablation, effect.estimate)}"
    told = "unknown" if effect.bound == "either" else number
    return (
        found.workload or MEAN, last, first, "main" if first == last else "interaction",
        effect.estimate, low, high, effect.bound, effect.adjusted_p, aliased,
        f"{told}{' *' if aliased else ''}", _interval(ablation, low, high),
    )


def _number(ablation: Ablation, value: float) -> str:
    if ablation.experiment.value == "log_time":
        return f"{significant(math.exp(value), 3)}×"
    return f"{value:+.2g}".replace("-", "−")


def _interval(ablation: Ablation, low: float, high: float) -> str:
    if math.isnan(low) or (math.isinf(low) and math.isinf(high)):
        return ""
    if math.isinf(high):
        return f"from {_number(ablation, low)}"
    if math.isinf(low):
        return f"to {_number(ablation, high)}"
    return f"{_number(ablation, low)} to {_number(ablation, high)}"
