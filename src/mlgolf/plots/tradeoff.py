"""Quality against time: the baseline's curve with its interval, and the points judged by it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import polars as pl
from scipy import stats

from mlgolf.analysis.curves.comparison import Comparison
from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.analysis.curves.seed_noise import Noise, Sloped, pooled
from mlgolf.analysis.curves.tradeoff import Verdict, half_widths, noises
from mlgolf.core.arrays import FloatArray
from mlgolf.core.target import Goal
from mlgolf.plots.label_places import Box, Label, Place, places
from mlgolf.plots.theme import Style
from mlgolf.plots.tradeoff_axes import Axes, axes_of, losses_are_wide

WIDTH, HEIGHT = 420, 290
MOST_CURVES, MOST_NAMES = 4, 7  # methods in one chart; more of them have a panel each
PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 225, 150, 2
SHOWN = 8  # of the grid's cells, one is drawn
OVER, RIGHT = 24, 110  # pixels beyond the plot that labels may take
NAME, SMALL = 7.0, 5.8  # pixels of a character, in a label's two lines
NAME_LINE, SMALL_LINE = 14, 13
MARK, STEP = 5.0, 3.0  # pixels from the middle of a point to its edge, and along a curve
CLEAR = (Verdict.BETTER.value, Verdict.WORSE.value)


class Told(NamedTuple):
    """What a figure says of a method as a whole."""

    estimate: str  # "1.3× (1.2 to 1.4×)"
    verdict: str  # "better"


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
        "verdict_by": pl.String,
    }  # fmt: skip
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def tradeoff_charts(
    table: pl.DataFrame, style: Style, *, time: str, quality: str, goal: Goal,
    told: Mapping[str, Told],
) -> list[alt.LayerChart]:
    """One chart, or a panel for each method where there are many, all on the same axes.

    Args: told: by method.
    """
    baseline, *methods = style.submissions
    if not in_panels(table, style):
        return [tradeoff_chart(table, style, time=time, quality=quality, goal=goal, told=told)]
    axes = axes_of(table, PANEL_WIDTH, PANEL_HEIGHT, time, quality, goal)
    pairs = (replace(style, submissions=(baseline, name), baseline=baseline) for name in methods)
    return [_panel(table, pair, axes, told) for pair in pairs]


def in_panels(table: pl.DataFrame, style: Style) -> bool:
    """Whether there are too many methods, or too many curves, for one chart."""
    curves = table.filter(kind="curve")["submission"].n_unique() - 1
    return curves > MOST_CURVES or len(style.submissions) - 1 > MOST_NAMES


def _panel(
    table: pl.DataFrame, style: Style, axes: Axes, told: Mapping[str, Told]
) -> alt.LayerChart:
    """The baseline and one method, whose name has its colour."""
    shown = table.filter(pl.col("submission").is_in(style.submissions))
    name = style.submissions[-1]
    said = [": ".join(dict.fromkeys(told[name]))] if name in told else []
    colour = style.theme.colours[style.number(name)[0]]
    title = alt.TitleParams(name, color=colour, subtitle=said)
    layers = _layers(shown, style, axes)
    return style.apply(alt.layer(*layers, width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title))


def tradeoff_chart(
    table: pl.DataFrame, style: Style, *, time: str, quality: str, goal: Goal,
    told: Mapping[str, Told],
) -> alt.LayerChart:
    """Time is logarithmic. Args: table: as of `tradeoff_table`; time, quality: their names."""
    scale = " (log scale)" if losses_are_wide(table, goal) else ""
    axes = axes_of(table, WIDTH, HEIGHT, f"{time} (log scale)", f"{quality}{scale}", goal)
    layers = [*_layers(table, style, axes), *_labels(table, axes, style, told)]
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT))


def _layers(table: pl.DataFrame, style: Style, axes: Axes) -> list[alt.Chart]:
    low, high = axes.qualities
    table = table.with_columns(pl.col("low", "high").clip(low, high))
    curves, points = (table.filter(pl.col("kind") == kind) for kind in ("curve", "point"))
    band, known = curves.drop_nulls(["low", "high"]), points.drop_nulls(["low", "high"])
    ends = axes.x, axes.y("low"), alt.Y2("high:Q"), style.colour()
    return [
        *([alt.Chart(band).mark_area(opacity=0.16).encode(*ends)] if len(band) else []),
        alt.Chart(curves).mark_line(strokeWidth=1.8).encode(
            axes.x, axes.y(), style.colour(), style.dash()
        ),
        *([alt.Chart(known).mark_rule(strokeWidth=1.4).encode(*ends)] if len(known) else []),
        *_marks(points, style, axes),
    ]


def _marks(points: pl.DataFrame, style: Style, axes: Axes) -> Iterator[alt.Chart]:
    """Filled where a test tells a point from the baseline, and the baseline's; else hollow."""
    is_told = pl.col("verdict").is_in(CLEAR) & (pl.col("verdict_by") == "interval")
    clear = pl.col("verdict").is_null() | is_told
    hollow, filled = points.filter(~clear), points.filter(clear)
    if len(hollow):
        looks = {"size": 46, "strokeWidth": 1.8, "opacity": 1, "fill": style.theme.paper}
        yield alt.Chart(hollow).mark_point(**looks).encode(axes.x, axes.y(), style.colour())
    if len(filled):
        mark = alt.Chart(filled).mark_point(filled=True, size=56, opacity=1)
        yield mark.encode(axes.x, axes.y(), style.colour())


def _curve_rows(comparison: Comparison, name: str, curve: MonotoneCurve) -> Iterator[tuple]:
    sign = -comparison.goal.sign
    noise = _noise(comparison, name)
    half = half_widths(curve, noise, comparison.confidence, comparison.shared)
    for place in [*range(0, len(curve.grid), SHOWN), len(curve.grid) - 1]:
        value = curve.on_grid[place]
        ends = sorted((sign * (value - half[place]), sign * (value + half[place])))
        yield (
            "curve", name, float(np.exp(curve.grid[place])), float(sign * value), *map(float, ends),
            None, None, None,
        )


def _own_curve(comparison: Comparison, name: str) -> MonotoneCurve:
    points = comparison.table.points[name]
    return MonotoneCurve(points, comparison.goal, comparison.curve.interpolation)


def _point_rows(comparison: Comparison) -> Iterator[tuple]:
    verdicts = {id(judged.point): judged.verdict.value for judged in comparison.points}
    for name, points in comparison.table.points.items():
        by = None if name == comparison.baseline else comparison.verdict_by(name)
        noise, slopes = _noise(comparison, name), _slopes(comparison, points)
        for point, slope in zip(points, slopes, strict=True):
            half = _half_of(point, slope, noise, comparison.confidence)
            yield (
                "point", name, point.time, point.quality, point.quality - half,
                point.quality + half, point.runs, verdicts.get(id(point)), by,
            )


def _noise(comparison: Comparison, name: str) -> Noise:
    """As in the comparison: of all seeds, or a method's own where it differs."""
    curve, baseline = comparison.curve, comparison.table.points[comparison.baseline]
    if name == comparison.baseline:
        return pooled([Sloped(baseline, curve.node_slopes)], curve.sign)
    return noises(curve, baseline, comparison.table.points[name])[1]


def _slopes(comparison: Comparison, points: Sequence[Point]) -> FloatArray:
    """Of the curve through the points, as its band has it; of a single one, the baseline's."""
    if len(points) > 1:
        return _own_curve(comparison, points[0].method).node_slopes
    curve = comparison.curve
    return curve.slopes_where(curve.sign * np.array([point.quality for point in points]))


def _half_of(point: Point, slope: float, noise: Noise, confidence: float) -> float:
    """Of its bar: by the noise of quality and of time, as where a band crosses it."""
    if noise.degrees == 0:
        return float("nan")
    limit = stats.t.ppf((1 + confidence) / 2, noise.degrees)
    variance = noise.variance(np.array(slope), point.relative_noise)
    return float(limit * np.sqrt(variance / point.runs))


def _labels(
    table: pl.DataFrame, axes: Axes, style: Style, told: Mapping[str, Told]
) -> list[alt.Chart]:
    """The name of each method at its last point, above its verdict, where nothing is covered."""
    points = table.filter(kind="point")
    ends = points.sort("time").group_by("submission", maintain_order=True).last()
    labels = [
        _label(axes, row["time"], row["quality"], row["submission"], told)
        for row in ends.iter_rows(named=True)
    ]
    room = Box(2, -OVER, axes.width + RIGHT, axes.height - 2)
    found = places(labels, [*_covered(table, axes)], room)
    rows = [
        _text_row(axes, row, place, told)
        for row, place in zip(ends.iter_rows(named=True), found, strict=True)
    ]
    texts = pl.DataFrame(rows)
    layers: list[alt.Chart] = []
    for side, own in texts.group_by("side", maintain_order=True):
        looks = {"align": side[0], "baseline": "top"}
        layers.append(alt.Chart(own).mark_text(
            fontSize=12, fontWeight=600, **looks
        ).encode(axes.x, axes.y(), style.colour(), text="submission:N"))
        if len(said := own.filter(pl.col("said") != "")):
            layers.append(alt.Chart(said).mark_text(
                fontSize=11, dy=NAME_LINE, color=style.theme.muted, **looks
            ).encode(axes.x, axes.y(), text="said:N"))
    if len(far := texts.filter("is_far")):
        layers.insert(0, alt.Chart(far).mark_rule(strokeWidth=0.8, opacity=0.8).encode(
            alt.X("from_time:Q", title=axes.time, scale=axes.x["scale"], axis=axes.x["axis"]),
            axes.y("from_quality"), alt.X2("to_time:Q"), alt.Y2("to_quality:Q"), style.colour(),
        ))
    return layers


def _label(
    axes: Axes, time: float, quality: float, name: str, told: Mapping[str, Told]
) -> Label:
    x, y = axes.pixels(time, quality)
    said = told[name].verdict if name in told else ""
    return Label(
        x=x, y=y, width=max(NAME * len(name), SMALL * len(said)),
        height=NAME_LINE + (SMALL_LINE if said else 0),
    )


def _text_row(
    axes: Axes, row: Mapping[str, Any], place: Place, told: Mapping[str, Told]
) -> dict[str, Any]:
    """Where its text begins, or ends if it is to the left of its mark, and the line to it."""
    box, name = place.box, row["submission"]
    x, y = axes.pixels(row["time"], row["quality"])
    side = "right" if box.right < x else "left"
    time, quality = axes.value(box.right if side == "right" else box.left, box.top)
    nearest = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
    to_time, to_quality = axes.value(*nearest)
    return {
        "submission": name, "said": told[name].verdict if name in told else "", "time": time,
        "quality": quality, "side": side, "is_far": place.is_far, "from_time": row["time"],
        "from_quality": row["quality"], "to_time": to_time, "to_quality": to_quality,
    }


def _covered(table: pl.DataFrame, axes: Axes) -> Iterator[Box]:
    """What no label may hide: points, their intervals, and curves as rows of small boxes."""
    for row in table.filter(kind="point").iter_rows(named=True):
        x, y = axes.pixels(row["time"], row["quality"])
        yield Box(x - MARK, y - MARK, x + MARK, y + MARK)
        if row["low"] is not None:
            (_, low), (_, high) = (axes.pixels(row["time"], row[end]) for end in ("low", "high"))
            yield Box(x - 1.5, high, x + 1.5, low)
    for _, curve in table.filter(kind="curve").group_by("submission", maintain_order=True):
        drawn = [axes.pixels(*row) for row in curve.select("time", "quality").rows()]
        xs, ys = np.array(drawn).T
        for x in np.arange(xs[0], xs[-1], STEP):
            y = np.interp(x, xs, ys)
            yield Box(x - STEP / 2, y - STEP / 2, x + STEP / 2, y + STEP / 2)
