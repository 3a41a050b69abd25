"""Plans: loss against the budget with the chosen plan, and profit against loss."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from mlgolf.analysis.planning.plans import Plan, Question
from mlgolf.core.arrays import FloatArray
from mlgolf.plots.log_axis import log_ticks
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 360, 240
MONEY = "'$' + replace(format(datum.value, '~s'), 'G', 'B')"


def frontier_table(
    plans: Sequence[Plan], chosen: Plan, asked: Question, confidence: float
) -> pl.DataFrame:
    """`kind`: plan or chosen; `budget`: what it spends, in dollars."""
    rows = [
        (
            kind, plan.dollars, plan.flop, plan.loss, *plan.loss_interval(asked, confidence),
            plan.params, plan.tokens, plan.devices, plan.offer.named,
            plan.extrapolation_decades == 0,
        )
        for kind, plan in [*(("plan", plan) for plan in plans), ("chosen", chosen)]
    ]  # fmt: skip
    schema = ["kind", "budget", "flop", "loss", "low", "high", "params", "tokens", "devices",
              "offer", "within"]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("budget")


def frontier_chart(table: pl.DataFrame, style: Style, confidence: float) -> alt.LayerChart:
    line, chosen = table.filter(kind="plan"), table.filter(kind="chosen")
    colour, marked = style.theme.colours[:2]
    budgets = table["budget"].to_numpy()
    ticks = log_ticks(float(budgets.min()), float(budgets.max()), WIDTH)
    x = alt.X(
        "budget:Q",
        title="dollars (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, values=ticks, labelExpr=MONEY),
    )
    scale = alt.Scale(zero=False)
    y = alt.Y(
        "loss:Q",
        title="loss, nats per token",
        scale=scale,
        axis=alt.Axis(domain=False, ticks=False, tickCount=5),
    )
    told = chosen.with_columns(text=pl.format("loss {}", pl.col("loss").round(3)))
    layers = [
        alt.Chart(line).mark_area(opacity=0.16, color=colour).encode(
            x, alt.Y("low:Q", scale=scale, title="loss, nats per token"), alt.Y2("high:Q")
        ),
        alt.Chart(line).mark_line(strokeWidth=2, color=colour).encode(x, y),
        alt.Chart(chosen).mark_rule(strokeWidth=1.6, color=marked).encode(
            x, alt.Y("low:Q", scale=scale), alt.Y2("high:Q")
        ),
        alt.Chart(chosen).mark_point(filled=True, size=70, opacity=1, color=marked).encode(x, y),
        alt.Chart(told).mark_text(
            align="left", dx=9, dy=-9, fontSize=12, fontWeight=600, color=marked
        ).encode(x, y, text="text:N"),
    ]  # fmt: skip
    title = alt.TitleParams(
        "what other budgets buy",
        subtitle=[f"best plan of each budget; band: {confidence:.0%} of runs; lower is better"],
    )
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def profit_table(
    losses: FloatArray, profits: FloatArray, chosen: tuple[float, float]
) -> pl.DataFrame:
    rows = [
        ("curve", float(loss), float(profit)) for loss, profit in zip(losses, profits, strict=True)
    ]
    rows.append(("chosen", *chosen))
    table = pl.DataFrame(rows, schema=["kind", "loss", "profit"], orient="row")
    return table.with_columns(pl.col("profit").fill_nan(None)).drop_nulls()


def profit_chart(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    chosen = table.filter(kind="chosen")
    best = float(chosen["profit"][0])
    shown = table.filter(pl.col("kind") == "curve", pl.col("profit") > -best)
    colour, marked = style.theme.colours[:2]
    x = alt.X(
        "loss:Q",
        title="loss, nats per token",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y = alt.Y(
        "profit:Q",
        title="profit, dollars",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, labelExpr=MONEY),
    )
    layers = [
        alt.Chart(shown).mark_line(strokeWidth=2, color=colour).encode(x, y),
        alt.Chart(chosen).mark_point(filled=True, size=70, opacity=1, color=marked).encode(x, y),
    ]
    title = alt.TitleParams(
        "profit against loss", subtitle=["of the best size for each loss; the point: most profit"]
    )
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))
