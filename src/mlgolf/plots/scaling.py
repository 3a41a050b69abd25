"""A scaling law: loss and best size against compute, and what the runs tell of each parameter."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.scaling.isoflop import IsoFlop
from mlgolf.analysis.scaling.study import ScalingStudy, spent
from mlgolf.plots.log_axis import log_axis
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 360, 240
PLACES = 40  # at which the frontier is drawn
FURTHEST = 100  # times the most compute of a run
ROOM = 1.12  # times the largest value: for names at the ends of curves
SUFFIXES = "replace(format(datum.value, '~s'), 'G', 'B')"  # 10M, 10B
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
    furthest = max(FURTHEST * most, *(one.flop for one in found.budgets))
    places = [*np.geomspace(compute.min(), most, PLACES // 2), *np.geomspace(
        most, furthest, PLACES // 2
    )[1:]]  # fmt: skip
    for flop in places:
        at = spent(found.fit, float(flop))
        within = bool(flop <= most * (1 + 1e-9))
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
    panels = [
        _frontier(table, style, "loss", "loss, nats per token"),
        _frontier(table, style, "params", "best number of parameters"),
    ]
    return [*panels, *([_profiles(found, table, style)] if found.fit.profiles else [])]


def _frontier(table: pl.DataFrame, style: Style, kind: str, noun: str) -> alt.LayerChart:
    line, runs = table.filter(kind=kind), table.filter(kind="run")
    colour = style.theme.colours[0]
    shown = [line["value"], line["low"], line["high"], *([runs["value"]] * (kind == "loss"))]
    low, high = min(map(min, shown)), max(map(max, shown))
    x = _log_x("x:Q", "training compute, FLOP", line["x"])
    y = alt.Y(
        "value:Q", title=noun, scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=_log_y(low, high, words=kind == "params"),
    )
    band = alt.Chart(line).mark_area(opacity=0.16, color=colour)
    layers = [band.encode(x, alt.Y("low:Q", title=noun), alt.Y2("high:Q"))]
    if kind == "loss":
        layers.append(alt.Chart(runs).mark_point(
            filled=True, size=16, opacity=0.45, color=style.theme.muted
        ).encode(x, y))  # fmt: skip
    inside = line.filter("within")
    beyond = pl.concat([inside.tail(1), line.filter(~pl.col("within"))])
    for part, dash in ((inside, [1, 0]), (beyond, [5, 4])):
        mark = alt.Chart(part).mark_line(strokeWidth=2, color=colour, strokeDash=dash)
        layers.append(mark.encode(x, y))
    title = alt.TitleParams(f"{noun.partition(',')[0]} against compute")
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _log_x(field: str, title: str, values: pl.Series) -> alt.X:
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    powers = [10.0**power for power in range(
        int(np.ceil(np.log10(low))), int(np.floor(np.log10(high))) + 1
    )]  # fmt: skip
    step = max(1, len(powers) // 6)
    return alt.X(
        field, title=title, scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(grid=False, values=powers[::step], format="~e"),
    )


def _log_y(low: float, high: float, *, words: bool) -> alt.Axis:
    looks = {"domain": False, "ticks": False, "minExtent": 34}
    axis = log_axis(low, high, HEIGHT, vertical=True, **looks)
    return alt.Axis(values=axis["values"], labelExpr=SUFFIXES, **looks) if words else axis


def _profiles(found: ScalingStudy, table: pl.DataFrame, style: Style) -> alt.LayerChart:
    threshold = next(iter(found.fit.profiles.values())).threshold
    shown = table.filter(pl.col("kind") == "profile", pl.col("value") <= 4 * threshold)
    shown = shown.with_columns(submission="name")
    of = Style(submissions=(*found.fit.profiles,), theme=style.theme)
    low, high = float(shown["x"].min()), float(shown["x"].max()) * ROOM  # type: ignore[arg-type]
    x = alt.X(
        "x:Q", title="value, over the best one",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=log_axis(low, high, WIDTH, grid=False),
    )
    y = alt.Y(
        "value:Q", title="rise of the objective, chi-squared",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5),
    )
    rule = pl.DataFrame({"value": [threshold]})
    layers = [
        alt.Chart(rule).mark_rule(
            color=style.theme.muted, strokeDash=[3, 3]
        ).encode(alt.Y("value:Q")),
        alt.Chart(shown).mark_line(strokeWidth=1.8).encode(x, y, of.colour(), of.dash()),
        *_names(shown, of, x, y),
    ]  # fmt: skip
    title = alt.TitleParams("what the runs tell of each parameter")
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _names(
    shown: pl.DataFrame, style: Style, x: alt.X, y: alt.Y
) -> Sequence[alt.Chart]:
    """At the right ends, or at the left ones where two would stand on each other."""
    ends = shown.sort("x").group_by("name", maintain_order=True)
    right, left = ends.last().sort("x"), ends.first()
    crowded = {
        name for name, at, before in zip(
            right["name"], right["x"], [0.0, *right["x"][:-1]], strict=True
        ) if at < ROOM * before
    }  # fmt: skip
    is_crowded = pl.col("name").is_in([*crowded])
    sides = [
        (right.filter(~is_crowded), {"align": "left", "dx": 4}),
        (left.filter(is_crowded), {"align": "right", "dx": -4}),
    ]
    return [
        alt.Chart(part).mark_text(fontSize=12, fontWeight=600, **looks).encode(
            x, y, style.colour(), text="name:N"
        )
        for part, looks in sides if len(part)
    ]  # fmt: skip


def isoflop_table(found: IsoFlop) -> pl.DataFrame:
    rows = [
        (one.flop, one.params, *one.params_interval, one.loss)
        for one in found.budgets if not one.why_not
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["flop", "params", "low", "high", "loss"], orient="row")


def isoflop_chart(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    low, high = float(table["low"].min()), float(table["high"].max())  # type: ignore[arg-type]
    noun = "best number of parameters"
    x = _log_x("flop:Q", "training compute, FLOP", table["flop"])
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("params:Q", title=noun, scale=scale, axis=_log_y(low, high, words=True))
    colour = style.theme.colours[0]
    layers = [
        alt.Chart(table).mark_rule(color=colour, strokeWidth=1.4).encode(
            x, alt.Y("low:Q", title=noun, scale=scale), alt.Y2("high:Q")
        ),
        alt.Chart(table).mark_point(filled=True, size=52, opacity=1, color=colour).encode(x, y),
    ]  # fmt: skip
    title = alt.TitleParams(f"{noun} by compute")
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))
