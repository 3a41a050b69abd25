"""Quality against time: the baseline's curve with its interval, and the points judged by it."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace

import altair as alt
import numpy as np
import polars as pl
from scipy import stats

from mlgolf.analysis.comparison import Comparison
from mlgolf.analysis.measurements import Point
from mlgolf.analysis.monotone_curve import MonotoneCurve
from mlgolf.analysis.seed_noise import Noise
from mlgolf.analysis.tradeoff import half_widths, noises
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 380, 270
TOGETHER = 4  # methods in one chart; more of them have a panel each
PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 205, 150, 2
SHOWN = 8  # of the grid's cells, one is drawn
LINE = 66  # characters
ABOVE = 0.06  # of the range of qualities, free above and below
ROOM = 1.35  # times the longest time: for the names of curves


def tradeoff_table(comparison: Comparison) -> pl.DataFrame:
    """What is drawn. `kind`: curve or point; `low` and `high`: of the quality, null if unknown."""
    rows = [
        *_curve_rows(comparison, comparison.baseline, comparison.curve),
        *(
            row for name in (compared.method for compared in comparison.curves)
            for row in _curve_rows(comparison, name, _own_curve(comparison, name))
        ),
        *_point_rows(comparison),
    ]
    schema = {
        "kind": pl.String, "submission": pl.String, "time": pl.Float64, "quality": pl.Float64,
        "low": pl.Float64, "high": pl.Float64, "runs": pl.Int64, "verdict": pl.String,
    }  # fmt: skip
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def tradeoff_charts(
    table: pl.DataFrame, style: Style, *, time: str, quality: str, told: Mapping[str, str]
) -> list[alt.LayerChart]:
    """One chart, or a panel for each method where there are many, all on the same axes.

    Args: told: what a panel says of its method as a whole.
    """
    baseline, *methods = style.submissions
    if len(methods) <= TOGETHER:
        return [tradeoff_chart(table, style, time=time, quality=quality)]
    pairs = (replace(style, submissions=(baseline, name), baseline=baseline) for name in methods)
    return [_panel(table, pair, time, quality, told) for pair in pairs]


def _panel(
    table: pl.DataFrame, style: Style, time: str, quality: str, told: Mapping[str, str]
) -> alt.LayerChart:
    """The baseline and one method, whose name has its colour. Points are not told apart."""
    shown = table.filter(pl.col("submission").is_in(style.submissions))
    layers = _layers(shown, style, *_axes(table, time, quality, ticks=4))
    name = style.submissions[-1]
    notice = textwrap.wrap(style.notice, LINE * PANEL_WIDTH // WIDTH)
    title = alt.TitleParams(
        name, color=style.theme.colours[1], subtitle=[told.get(name, ""), *notice]
    )
    return style.apply(alt.layer(*layers, width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title))


def tradeoff_chart(
    table: pl.DataFrame, style: Style, *, time: str, quality: str
) -> alt.LayerChart:
    """Time is logarithmic. Args: table: as of `tradeoff_table`; time, quality: their names."""
    x, y = _axes(table, f"{time} (log scale)", quality, ticks=6)
    points = table.filter(pl.col("kind") == "point")
    layers = [*_layers(table, style, x, y), *_labels(points, x, y, style)]
    title = _title(f"{quality} against {time}", style)
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT, title=title))


def _axes(table: pl.DataFrame, time: str, quality: str, ticks: int) -> tuple[alt.X, alt.Y]:
    """Args: table: whose times and qualities all have room."""
    times = table["time"].to_numpy()
    values = np.concatenate([table[end].drop_nulls() for end in ("quality", "low", "high")])
    room = ABOVE * np.ptp(values)
    x = alt.X(
        "time:Q", title=time, axis=alt.Axis(grid=False, tickCount=ticks),
        scale=alt.Scale(type="log", domain=[times.min() / 1.1, times.max() * ROOM], nice=False),
    )
    y = alt.Y(
        "quality:Q", title=quality,
        scale=alt.Scale(domain=[values.min() - room, values.max() + room], zero=False, nice=False),
        axis=alt.Axis(domain=False, ticks=False, tickCount=ticks, minExtent=34),
    )
    return x, y


def _layers(table: pl.DataFrame, style: Style, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    curves, points = (table.filter(pl.col("kind") == kind) for kind in ("curve", "point"))
    band = curves.drop_nulls(["low", "high"])
    low = alt.Y("low:Q", title=y["title"], scale=y["scale"])
    return [
        *([alt.Chart(band).mark_area(opacity=0.16).encode(
            x, low, alt.Y2("high:Q"), style.colour()
        )] if len(band) else []),
        alt.Chart(curves).mark_line(strokeWidth=1.8).encode(x, y, style.colour(), style.dash()),
        *_intervals(points, x, style),
        alt.Chart(points).mark_point(filled=True, size=52, opacity=1).encode(x, y, style.colour()),
    ]  # fmt: skip


def _title(title: str, style: Style) -> alt.TitleParams:
    return alt.TitleParams(title, subtitle=textwrap.wrap(style.notice, LINE))


def _curve_rows(comparison: Comparison, name: str, curve: MonotoneCurve) -> Iterator[tuple]:
    sign = -comparison.goal.sign
    noise = _noise(comparison, name)
    half = half_widths(curve, noise, comparison.confidence)
    for place in [*range(0, len(curve.grid), SHOWN), len(curve.grid) - 1]:
        value = curve.on_grid[place]
        ends = sorted((sign * (value - half[place]), sign * (value + half[place])))
        yield (
            "curve", name, float(np.exp(curve.grid[place])), float(sign * value), *map(float, ends),
            None, None,
        )


def _own_curve(comparison: Comparison, name: str) -> MonotoneCurve:
    points = comparison.table.points[name]
    return MonotoneCurve(points, comparison.goal, comparison.curve.interpolation)


def _point_rows(comparison: Comparison) -> Iterator[tuple]:
    verdicts = {id(judged.point): judged.verdict.value for judged in comparison.points}
    for name, points in comparison.table.points.items():
        noise = _noise(comparison, name)
        for point in points:
            half = _half_of(point, noise, comparison.confidence)
            yield (
                "point", name, point.time, point.quality, point.quality - half,
                point.quality + half, point.runs, verdicts.get(id(point)),
            )


def _noise(comparison: Comparison, name: str) -> Noise:
    """As in the comparison: of all seeds, or a method's own where it differs."""
    theirs, ours = noises(
        comparison.curve, comparison.table.points[comparison.baseline],
        comparison.table.points[name],
    )
    return theirs if name == comparison.baseline else ours


def _half_of(point: Point, noise: Noise, confidence: float) -> float:
    if noise.degrees == 0:
        return float("nan")
    limit = stats.t.ppf((1 + confidence) / 2, noise.degrees)
    return float(limit * point.relative_noise * np.sqrt(noise.quality / point.runs))


def _intervals(points: pl.DataFrame, x: alt.X, style: Style) -> list[alt.Chart]:
    known = points.drop_nulls(["low", "high"])
    if known.is_empty():
        return []
    rule = alt.Chart(known).mark_rule(strokeWidth=1.4)
    return [rule.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), style.colour())]


def _labels(points: pl.DataFrame, x: alt.X, y: alt.Y, style: Style) -> list[alt.Chart]:
    """Names where each method ends, and what is said of the points."""
    ends = points.sort("time").group_by("submission", maintain_order=True).last()
    told = points.drop_nulls("verdict").with_columns(
        verdict=pl.col("verdict").str.replace("_", " ")
    )
    above = pl.col("verdict").fill_null("") == "better"  # the curve runs on to the right below it
    left = {"align": "right", "dx": -9}
    layers = [
        alt.Chart(ends.filter(side)).mark_text(fontSize=12, fontWeight=600, **looks)
        .encode(x, y, style.colour(), text="submission:N")
        for side, looks in ((~above, {"align": "left", "dx": 9}), (above, left))
        if len(ends.filter(side))
    ]
    if len(told):
        said = alt.Chart(told).mark_text(
            align="center", dy=-12, fontSize=11, color=style.theme.muted
        )
        layers.append(said.encode(x, y, text="verdict:N"))
    return layers
