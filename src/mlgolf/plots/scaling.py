"""A scaling law: loss against compute with its frontier, the best size, and profiles."""

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.scaling.isoflop import IsoFlop
from mlgolf.analysis.scaling.study import ScalingStudy, spent
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 360, 240
PLACES = 40  # at which the frontier is drawn
FURTHEST = 100  # times the most compute of a run
SCHEMA = {
    "kind": pl.String, "name": pl.String, "x": pl.Float64, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "within": pl.Boolean,
}  # fmt: skip


def scaling_table(found: ScalingStudy) -> pl.DataFrame:
    """What is drawn. `kind`: run, loss, params (of the best size) or profile."""
    runs = found.runs
    compute = 6 * runs.params * runs.tokens
    most = float(compute.max())
    rows: list[tuple] = [
        ("run", "", float(flop), float(loss), None, None, True)
        for flop, loss in zip(compute, runs.loss, strict=True)
    ]
    reach = FURTHEST * max(1.0, max(one.flop for one in found.budgets) / most / FURTHEST)
    for flop in np.geomspace(compute.min(), most * reach, PLACES):
        at = spent(found.fit, float(flop))
        within = bool(flop <= most)
        rows += [
            ("loss", "", float(flop), at.loss, *at.loss_interval, within),
            ("params", "", float(flop), at.params, *at.params_interval, within),
        ]
    for name, profile in found.fit.profiles.items():
        # All in one figure: each over its own estimate, so that they share an axis.
        best = profile.values[profile.rise.argmin()]
        rows += [
            ("profile", name, float(value / best), float(rise), None, None, True)
            for value, rise in zip(profile.values, profile.rise, strict=True)
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def scaling_charts(found: ScalingStudy, table: pl.DataFrame, style: Style) -> list[alt.LayerChart]:
    confidence = f"{found.fit.confidence:.0%}"
    return [
        _frontier(table, style, "loss", "loss, nats per token", [
            f"line: the best size for each compute, with its {confidence} band",
            "dashed beyond the largest run; lower is better",
        ]),
        _frontier(table, style, "params", "best number of parameters", [
            f"with its {confidence} band", "dashed beyond the largest run"
        ]),
        _profiles(found, table, style),
    ]  # fmt: skip


def _frontier(
    table: pl.DataFrame, style: Style, kind: str, noun: str, subtitle: list[str]
) -> alt.LayerChart:
    line, runs = table.filter(kind=kind), table.filter(kind="run")
    colour, theme = style.theme.colours[0], style.theme
    x = alt.X(
        "x:Q", title="training compute, FLOP", scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, tickCount=6, format="~e"),
    )
    y = alt.Y(
        "value:Q", title=noun,
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(
            domain=False, ticks=False, tickCount=5, format="~s" if kind == "params" else "~g"
        ),
    )
    band = alt.Chart(line).mark_area(opacity=0.16, color=colour)
    layers = [band.encode(x, alt.Y("low:Q", title=noun), alt.Y2("high:Q"))]
    if kind == "loss":
        layers.append(alt.Chart(runs).mark_point(
            filled=True, size=16, opacity=0.45, color=theme.muted
        ).encode(x, y))  # fmt: skip
    for within, dash in ((True, [1, 0]), (False, [5, 4])):
        part = line.filter(pl.col("within") == within)
        if len(part):
            layers.append(alt.Chart(part).mark_line(
                strokeWidth=2, color=colour, strokeDash=dash
            ).encode(x, y))  # fmt: skip
    title = alt.TitleParams(f"{noun} against compute", subtitle=subtitle)
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _profiles(found: ScalingStudy, table: pl.DataFrame, style: Style) -> alt.LayerChart:
    threshold = next(iter(found.fit.profiles.values())).threshold
    shown = table.filter(pl.col("kind") == "profile", pl.col("value") <= 4 * threshold)
    shown = shown.with_columns(submission="name")
    of = Style(submissions=(*found.fit.profiles,), theme=style.theme)
    x = alt.X(
        "x:Q", title="value, over the best one", scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, tickCount=5, format="~g"),
    )
    y = alt.Y(
        "value:Q", title="rise of the fit's objective, chi-squared",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5),
    )
    rule = pl.DataFrame({"value": [threshold], "text": [f"{found.fit.confidence:.0%}"]})
    ends = shown.sort("x").group_by("name", maintain_order=True).last()
    layers = [
        alt.Chart(rule).mark_rule(
            color=style.theme.muted, strokeDash=[3, 3]
        ).encode(alt.Y("value:Q")),
        alt.Chart(shown).mark_line(strokeWidth=1.8).encode(x, y, of.colour(), of.dash()),
        alt.Chart(ends).mark_text(align="left", dx=4, fontSize=12, fontWeight=600).encode(
            x, y, of.colour(), text="name:N"
        ),
    ]  # fmt: skip
    title = alt.TitleParams(
        "what the runs tell of each parameter",
        subtitle=[
            "the other parameters follow; below the dashed line: in the interval",
            "flat: not identified",
        ],
    )  # fmt: skip
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def isoflop_table(found: IsoFlop) -> pl.DataFrame:
    rows = [
        (one.flop, one.params, *one.params_interval, one.loss)
        for one in found.budgets if not one.why_not
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["flop", "params", "low", "high", "loss"], orient="row")


def isoflop_chart(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    x = alt.X(
        "flop:Q", title="training compute, FLOP", scale=alt.Scale(type="log"),
        axis=alt.Axis(grid=False, tickCount=6, format="~e"),
    )
    y = alt.Y(
        "params:Q", title="best number of parameters", scale=alt.Scale(type="log"),
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, format="~s"),
    )
    colour = style.theme.colours[0]
    layers = [
        alt.Chart(table).mark_rule(color=colour, strokeWidth=1.4).encode(
            x, alt.Y("low:Q", title="best number of parameters"), alt.Y2("high:Q")
        ),
        alt.Chart(table).mark_point(filled=True, size=52, opacity=1, color=colour).encode(x, y),
    ]  # fmt: skip
    title = alt.TitleParams(
        "best number of parameters by compute", subtitle=["the vertex of a parabola, 95% interval"]
    )
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))
