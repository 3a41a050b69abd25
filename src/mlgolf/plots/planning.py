"""Plans: loss against the budget with the chosen plan, and profit against loss."""

import math
from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.planning.plans import Plan
from mlgolf.analysis.planning.question import Question
from mlgolf.core.arrays import FloatArray
from mlgolf.plots.log_axis import log_ticks
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 360, 240
LINE, MARGIN = 14, 8  # pixels, of a name
SOLID, DASHES = [1, 0], [5, 4]
LOSSES = 80  # at which profit is drawn
LEFT = 0.15  # of the width of the value curve, that is drawn below its least loss
MONEY = "'$' + replace(format(datum.value, '~s'), 'G', 'B')"


def frontier_table(
    plans: Sequence[Plan], chosen: Plan, asked: Question, confidence: float
) -> pl.DataFrame:
    """`kind`: plan or chosen; `budget`: what it spends, in dollars."""
    rows = [
        (
            kind, plan.dollars, plan.flop, plan.loss, *plan.loss_interval(asked, confidence),
            plan.params, plan.tokens, plan.devices, plan.offer.named, _short(plan),
            plan.extrapolation_decades == 0,
        )
        for kind, plan in [*(("plan", plan) for plan in plans), ("chosen", chosen)]
    ]  # fmt: skip
    schema = ["kind", "budget", "flop", "loss", "low", "high", "params", "tokens", "devices",
              "offer", "device", "within"]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("budget")


def _short(plan: Plan) -> str:
    return f"{plan.offer.device.name}, {plan.offer.kind.replace('_', ' ')}"


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
        *_lines(line, "budget", colour, x, y),
        *_device_changes(line, style, x),
        alt.Chart(chosen).mark_rule(strokeWidth=1.6, color=marked).encode(
            x, alt.Y("low:Q", scale=scale), alt.Y2("high:Q")
        ),
        alt.Chart(chosen).mark_point(filled=True, size=70, opacity=1, color=marked).encode(x, y),
        alt.Chart(told).mark_text(
            align="left", dx=9, dy=-9, fontSize=12, fontWeight=600, color=marked
        ).encode(x, y, text="text:N"),
    ]  # fmt: skip
    dashed = "" if line["within"].all() else "; dashed: beyond the runs of the fit"
    title = alt.TitleParams(
        "what other budgets buy",
        subtitle=[
            "best plan of each budget and its devices; lower is better",
            f"band: {confidence:.0%} of runs{dashed}",
        ],
    )
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _lines(
    table: pl.DataFrame, place: str, colour: str, x: alt.X, y: alt.Y
) -> Iterator[alt.Chart]:
    """Through the rows in order of `place`; dashed up to and from where nothing is known."""
    ordered = table.sort(place)
    within = ordered["within"].to_list()
    first = within.index(True) if True in within else len(within)
    last = len(within) - within[::-1].index(True) if True in within else len(within)
    parts = ((ordered[: first + 1], DASHES), (ordered[first:last], SOLID),
             (ordered[max(last - 1, 0):], DASHES))  # fmt: skip
    for part, dash in parts:
        if len(part) > 1:
            mark = alt.Chart(part).mark_line(strokeWidth=2, color=colour, strokeDash=dash)
            yield mark.encode(x, y)


def _device_changes(line: pl.DataFrame, style: Style, x: alt.X) -> Iterator[alt.Chart]:
    """Where another offer is the best: a rule with its name, where the falling line is not.

    Names of the left half stand at the bottom, of the right half at the top, and rules end at
    their names, so that none crosses another's.
    """
    changed = line.sort("budget").filter(pl.col("offer").ne_missing(pl.col("offer").shift(1)))
    budgets = line["budget"].to_numpy()
    middle = math.sqrt(float(budgets.min() * budgets.max()))
    num_left = len(changed.filter(pl.col("budget") < middle))
    top = MARGIN + LINE * (len(changed) - num_left)
    bottom = HEIGHT - MARGIN - LINE * num_left
    for at, row in enumerate(changed.rows(named=True)):
        one = pl.DataFrame({"budget": [row["budget"]], "text": [row["device"]]})
        is_left = row["budget"] < middle
        after = len(changed) - 1 - at
        place = HEIGHT - MARGIN - LINE * at if is_left else MARGIN + LINE * after
        if at:
            low, high = (top, place + MARGIN) if is_left else (place - MARGIN, bottom)
            rule = alt.Chart(one).mark_rule(strokeDash=[2, 3], color=style.theme.muted)
            yield rule.encode(x, y=alt.value(low), y2=alt.value(high))
        yield alt.Chart(one).mark_text(
            align="left" if is_left else "right", dx=5 if is_left else -5, fontSize=11,
            color=style.theme.muted,
        ).encode(x, y=alt.value(place), text="text:N")  # fmt: skip


def drawn_losses(known: Interval, best: float, least: float) -> FloatArray:
    """At which profit is drawn: with room on the left of the value curve and of the best loss.

    Args: known: where the value was given, perhaps everywhere; least: E, that none falls to.
    """
    low, high = known if math.isfinite(known[1] - known[0]) else (best, best + 1)
    low, high = min(low, best), max(high, best)
    return np.linspace(max(low - LEFT * (high - low), 1.001 * least), high, LOSSES)


def profit_table(
    losses: FloatArray, profits: FloatArray, chosen: tuple[float, float], known: Interval
) -> pl.DataFrame:
    """Args: known: the losses between which a value was given. `within`: whether it was."""
    low, high = known
    rows = [
        ("curve", float(loss), float(profit), bool(low <= loss <= high))
        for loss, profit in zip(losses, profits, strict=True)
    ]
    rows.append(("chosen", *chosen, True))
    table = pl.DataFrame(rows, schema=["kind", "loss", "profit", "within"], orient="row")
    return table.with_columns(pl.col("profit").fill_nan(None)).drop_nulls()


def profit_chart(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    chosen = table.filter(kind="chosen")
    best = float(chosen["profit"][0])
    shown = table.filter(pl.col("kind") == "curve", pl.col("profit") > -best)
    colour, marked = style.theme.colours[:2]
    x = alt.X(
        "loss:Q",
        title="loss, nats per token",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y = alt.Y(
        "profit:Q",
        title="profit, dollars",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, labelExpr=MONEY),
    )
    told = chosen.with_columns(text=pl.format("loss {}", pl.col("loss").round(3)))
    layers = [
        *_lines(shown, "loss", colour, x, y),
        alt.Chart(chosen).mark_point(filled=True, size=70, opacity=1, color=marked).encode(x, y),
        alt.Chart(told).mark_text(
            align="left", dx=9, dy=-9, fontSize=12, fontWeight=600, color=marked
        ).encode(x, y, text="text:N"),
    ]  # fmt: skip
    reading = ["of the cheapest model of each loss; the point: most profit"]
    if not shown["within"].all():
        reading.append("dashed: beyond the value curve, held as it is at its end")
    title = alt.TitleParams("profit against loss", subtitle=reading)
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))
