"""A scaling law: loss and best size against compute, what the runs tell, and how far they lie off.

Where the runs do not tell best sizes, only the last two are drawn.
"""

import math

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.scaling.isoflop import IsoFlop
from mlgolf.analysis.scaling.study import ScalingStudy, spent
from mlgolf.core.arrays import FloatArray
from mlgolf.plots.label_places import Box, Label, places
from mlgolf.plots.log_axis import log_axis
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 360, 240
PLACES = 40  # at which the frontier is drawn
FURTHEST = 100  # times the most compute of a run
ROOM = 1.12  # times the largest value: for names at the ends of curves
LETTER, LINE = 7.5, 14  # pixels of a name's character, and its height
WITHIN, BEYOND = [1, 0], [5, 4]  # dashes of lines among the runs, and beyond
SUFFIXES = "replace(format(datum.value, '~s'), 'G', 'B')"  # 10M, 10B
SCHEMA = {
    "kind": pl.String, "name": pl.String, "x": pl.Float64, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "within": pl.Boolean,
}  # fmt: skip


def scaling_table(found: ScalingStudy) -> pl.DataFrame:
    """What is drawn. `kind`: run, residual (in percent), loss, params (best size) or profile."""
    runs = found.runs
    compute = 6 * runs.params * runs.tokens
    off = 100 * np.expm1(-found.fit.residuals)
    rows: list[tuple] = [
        (kind, "", float(flop), float(value), None, None, True)
        for kind, values in (("run", runs.loss), ("residual", off))
        for flop, value in zip(compute, values, strict=True)
    ]
    for flop in _budgets(found, compute):
        at = spent(found.fit, float(flop))
        within = at.extrapolation_decades == 0
        rows += [
            ("loss", "", float(flop), at.loss, *at.loss_interval, within),
            ("params", "", float(flop), at.params, *at.params_interval, within),
        ]
    for name, profile in found.fit.all_profiles.items():
        # All in one figure: each over its own estimate, so that they share an axis.
        best = profile.values[profile.rise.argmin()]
        rows += [
            ("profile", name, float(value / best), float(rise), None, None, True)
            for value, rise in zip(profile.values, profile.rise, strict=True)
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _budgets(found: ScalingStudy, compute: FloatArray) -> FloatArray:
    """Of compute, at which the best sizes are drawn."""
    if found.fit.why_no_sizes:
        return np.empty(0)
    most = float(compute.max())
    furthest = max(FURTHEST * most, *(one.flop for one in found.budgets))
    beyond = np.geomspace(most, furthest, PLACES // 2)[1:]
    return np.concatenate([np.geomspace(compute.min(), most, PLACES // 2), beyond])


def scaling_charts(found: ScalingStudy, table: pl.DataFrame, style: Style) -> list[alt.LayerChart]:
    panels = [] if found.fit.why_no_sizes else [
        _frontier(table, style, "loss", "loss, nats per token"),
        _frontier(table, style, "params", "best number of parameters"),
    ]
    panels += [_profiles(found, table, style)] if found.fit.all_profiles else []
    return [*panels, _residuals(table, style)]


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
    for part, dash in _parts(line):
        mark = alt.Chart(part).mark_line(strokeWidth=2, color=colour, strokeDash=dash)
        layers.append(mark.encode(x, y))
    title = alt.TitleParams(f"{noun.partition(',')[0]} against compute")
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _parts(line: pl.DataFrame) -> list[tuple[pl.DataFrame, list[int]]]:
    """A line in parts that join, with their dashes: beyond the runs on either side, and within."""
    within = np.flatnonzero(line["within"].to_numpy())
    first, last = (int(within[0]), int(within[-1])) if len(within) else (0, 0)
    parts = [
        (line[: first + 1], BEYOND), (line[first : last + 1], WITHIN), (line[last:], BEYOND)
    ]  # fmt: skip
    return [(part, dash) for part, dash in parts if len(part) > 1]


def _residuals(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    """A law that bends away from its runs shows here first."""
    shown = table.filter(kind="residual")
    x = _log_x("x:Q", "training compute, FLOP", shown["x"])
    y = alt.Y(
        "value:Q", title="measured over the law, less 1, %",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, minExtent=34),
    )
    zero = alt.Chart(pl.DataFrame({"value": [0.0]})).mark_rule(
        color=style.theme.muted, strokeDash=[3, 3]
    )
    points = alt.Chart(shown).mark_point(
        filled=True, size=16, opacity=0.6, color=style.theme.colours[0]
    )
    title = alt.TitleParams("how far the runs lie from their law")
    layers = [zero.encode(alt.Y("value:Q")), points.encode(x, y)]
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
    threshold = next(iter(found.fit.all_profiles.values())).threshold
    shown = table.filter(pl.col("kind") == "profile", pl.col("value") <= 4 * threshold)
    shown = shown.with_columns(submission="name")
    of = Style(submissions=(*found.fit.all_profiles,), theme=style.theme)
    low, high = float(shown["x"].min()), float(shown["x"].max()) * ROOM  # type: ignore[arg-type]
    top = ROOM * float(shown["value"].max())  # type: ignore[arg-type]
    x = alt.X(
        "x:Q", title="value, over the best one",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=log_axis(low, high, WIDTH, grid=False),
    )
    y = alt.Y(
        "value:Q", title="rise of the objective, chi-squared",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, minExtent=34),
        scale=alt.Scale(domain=[0, top], nice=False),
    )
    rule = pl.DataFrame({"value": [threshold]})
    layers = [
        alt.Chart(rule).mark_rule(
            color=style.theme.muted, strokeDash=[3, 3]
        ).encode(alt.Y("value:Q")),
        alt.Chart(shown).mark_line(strokeWidth=1.8).encode(x, y, of.colour(), of.dash()),
        alt.Chart(_names(shown, (low, high), top)).mark_text(
            align="left", baseline="top", fontSize=12, fontWeight=600
        ).encode(x, y, of.colour(), text="name:N"),
    ]  # fmt: skip
    title = alt.TitleParams("what the runs tell of each parameter")
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _names(shown: pl.DataFrame, domain: tuple[float, float], top: float) -> pl.DataFrame:
    """Where the text of each name begins: near an end of its curve, clear of all curves.

    That is the right end, or the left one where two would stand on each other.
    """
    low, across = domain[0], math.log(domain[1] / domain[0])
    ends = shown.sort("x").group_by("name", maintain_order=True)
    right, left = ends.last().sort("x"), ends.first()
    crowded = {
        name for name, at, before in zip(
            right["name"], right["x"], [0.0, *right["x"][:-1]], strict=True
        ) if at < ROOM * before
    }  # fmt: skip
    is_crowded = pl.col("name").is_in([*crowded])
    anchors = pl.concat([right.filter(~is_crowded), left.filter(is_crowded)])
    pixels = pl.struct(
        across=WIDTH * (pl.col("x") / low).log() / across,
        down=HEIGHT * (1 - pl.col("value") / top),
    )
    labels = [
        Label(x=at["across"], y=at["down"], width=LETTER * len(name), height=LINE)
        for name, at in anchors.select("name", pixels).iter_rows()
    ]
    curves = shown.sort("x").select("name", pixels.alias("at"))
    marks = [
        Box(x - 2, y - 2, x + 2, y + 2)
        for curve in curves.partition_by("name")
        for x, y in _along(curve["at"].struct.unnest().to_numpy())
    ]
    found = places(labels, marks, Box(0, -LINE, WIDTH + LINE, HEIGHT))
    return anchors.select("name", submission="name").with_columns(
        x=np.array([low * math.exp(across * place.box.left / WIDTH) for place in found]),
        value=np.array([top * (1 - place.box.top / HEIGHT) for place in found]),
    )


def _along(points: FloatArray) -> FloatArray:
    """Places some pixels apart on the line through points. Args and returns: (points, 2)."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.arange(0, way[-1], 3.0)
    return np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1)


def isoflop_table(found: IsoFlop) -> pl.DataFrame:
    rows = [
        (one.flop, one.params, *one.params_interval, one.loss)
        for one in found.budgets if not one.why_not
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["flop", "params", "low", "high", "loss"], orient="row")


def isoflop_chart(table: pl.DataFrame, style: Style) -> alt.LayerChart:
    ends = np.concatenate([table[name].to_numpy() for name in ("params", "low", "high")])
    shown = ends[np.isfinite(ends) & (ends > 0)]
    low, high = float(shown.min()), float(shown.max())
    table = table.with_columns(pl.col("low", "high").clip(low, high))  # an open end fills the panel
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
