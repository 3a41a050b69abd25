"""The best of 1, 2, … trials, with the band that holds at all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.log_axis import log_axis
from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 300, 210
MOST_TOGETHER = 4  # methods whose bands can be read in one panel
LINE = 14  # pixels between labels
EXTENT = 44  # pixels for the numbers of an axis, so that titles are aligned
X_TITLE = "trials (log scale)"
STEP = "step-after"  # nothing is between k trials and k + 1
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def tuning_panel(
    table: pl.DataFrame, style: Style, *, times: bool, highlighted: Sequence[str] = ()
) -> Any:
    """One workload. A band that reaches the edge is not bounded there.

    Args:
      table: `method`, `workload`, `trials`, `best`, `lower`, `upper`, `measured`; null: no bound,
        or no result.
      times: a logarithmic axis.
      highlighted: methods that are drawn; others are thin grey lines without a band. None: all.
    """
    table = table.rename({"method": "submission"})
    shown = [name for name in style.submissions if name in (highlighted or style.submissions)]
    low, high = _ends(table, times=times)
    x = alt.X(
        "trials:Q", title=X_TITLE,
        scale=alt.Scale(type="log", domain=[1, max(2, *table["trials"])], nice=False),
        axis=alt.Axis(values=[*TICKS], grid=False, format="d"),
    )
    y = _Height(
        title=table["measured"][0] + (" (log scale)" if times else ""), low=low, high=high,
        times=times,
    )
    own = table.filter(pl.col("submission").is_in(shown))
    lines = own.drop_nulls("best")
    layers = [
        _others(table.filter(~pl.col("submission").is_in(shown)), x, y, style),
        *_bands(own, x, y, style),
        alt.Chart(lines.select("submission", "trials", "best")).mark_line(
            strokeWidth=2.2, clip=True, interpolate=STEP
        ).encode(x, y.of("best"), style.colour(), style.dash()),
        *([_labels(lines, x, y, style)] if len(shown) > 1 else []),  # else the title names it
    ]
    return style.apply(alt.layer(*layers, title=_title(table, shown), width=WIDTH, height=HEIGHT))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Height:
    """The vertical axis, and pixels on it."""

    title: str
    low: float
    high: float
    times: bool

    def of(self, column: str) -> alt.Y:
        scale = alt.Scale(
            type="log" if self.times else "linear", domain=[self.low, self.high], nice=False,
            zero=False, clamp=True,
        )
        looks = {"domain": False, "ticks": False, "minExtent": EXTENT}
        axis = log_axis(self.low, self.high, HEIGHT, vertical=True, **looks) if self.times else (
            alt.Axis(tickCount=5, **looks)
        )
        return alt.Y(f"{column}:Q", title=self.title, scale=scale, axis=axis)

    def pixels(self, value: float) -> float:
        """Below the upper edge."""
        low, high, at = map(math.log, (self.low, self.high, value)) if self.times else (
            self.low, self.high, value
        )
        return (high - at) / (high - low) * HEIGHT

    def value(self, pixels: float) -> float:
        share = pixels / HEIGHT
        if self.times:
            return self.high * (self.low / self.high) ** share
        return self.high + (self.low - self.high) * share


def _title(table: pl.DataFrame, shown: Sequence[str]) -> alt.TitleParams:
    """The workload, or the method if one is drawn, and who has no result to draw."""
    workload = table["workload"][0]
    name = " · ".join(filter(None, [workload, *([shown[0]] if len(shown) == 1 else [])]))
    drawn = table.drop_nulls("best")["submission"].unique()
    without = [method for method in shown if method not in drawn]
    said = f"most trials without a result: {', '.join(without)}" if without else ""
    return alt.TitleParams(name, subtitle=said) if said else alt.TitleParams(name)


def _ends(table: pl.DataFrame, *, times: bool) -> tuple[float, float]:
    """Of the axis: all that is finite, and positive where it is logarithmic."""
    values = pl.concat([table[name] for name in ("best", "lower", "upper")]).drop_nulls()
    values = values.filter(values > 0) if times else values
    if values.is_empty():
        return 1.0, 2.0
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    if times:
        return low / 1.06, high * 1.06
    room = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
    return low - room, high + room


def _bands(own: pl.DataFrame, x: alt.X, y: _Height, style: Style) -> list[alt.Chart]:
    """The areas, and their edges where they are bounded, so that bands can be told apart."""
    filled = own.with_columns(
        pl.col("lower").fill_null(y.low).clip(y.low), pl.col("upper").fill_null(y.high)
    ).select("submission", "trials", "lower", "upper")
    area = alt.Chart(filled).mark_area(opacity=0.13, clip=True, interpolate=STEP)
    edges = [
        alt.Chart(_runs(own, end, y)).mark_rule(strokeWidth=0.9, opacity=0.7, clip=True).encode(
            alt.X("trials:Q", title=X_TITLE, scale=x["scale"], axis=x["axis"]), alt.X2("until:Q"),
            y.of(end), style.colour(),
        ) for end in ("lower", "upper")
    ]
    return [area.encode(x, y.of("lower"), alt.Y2("upper:Q"), style.colour()), *edges]


def _runs(own: pl.DataFrame, end: str, y: _Height) -> pl.DataFrame:
    """Where an edge of a band is level, from so many trials until before so many others."""
    level = own.filter(pl.col(end).is_between(y.low, y.high)).group_by("submission", end)
    return level.agg(
        pl.col("trials").min(), until=(pl.col("trials").max() + 1).clip(0, max(own["trials"]))
    )


def _others(others: pl.DataFrame, x: alt.X, y: _Height, style: Style) -> alt.Chart:
    data = others.drop_nulls("best").select("submission", "trials", "best")
    return alt.Chart(data).mark_line(
        color=style.theme.muted, opacity=0.35, strokeWidth=1, clip=True, interpolate=STEP
    ).encode(x, y.of("best"), alt.Detail("submission:N"))


def _labels(lines: pl.DataFrame, x: alt.X, y: _Height, style: Style) -> alt.Chart:
    """Names at the right ends of the lines, moved apart where they would overlap."""
    last = lines.group_by("submission").last().sort("best", "submission", descending=True)
    places = apart([y.pixels(value) for value in last["best"]], LINE, HEIGHT)
    data = last.select("submission", "trials").with_columns(
        place=pl.Series(map(y.value, places), dtype=pl.Float64)
    )
    text = alt.Chart(data).mark_text(align="left", dx=6, fontSize=12, baseline="middle")
    return text.encode(x, y.of("place"), alt.Text("submission:N"), style.colour())


def apart(heights: Sequence[float], least: float, room: float) -> list[float]:
    """Ascending heights moved so that neighbours are `least` apart, within the room if they fit."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + least) if placed else height)
    end = room
    for at in reversed(range(len(placed))):
        placed[at] = min(placed[at], end)
        end = placed[at] - least
    return placed
