"""Where the time of a step goes, and its operations under the roof of the machine."""

import math
import textwrap
from typing import Any

import altair as alt
import polars as pl

from mlgolf.analysis.diagnosis.bottleneck import Diagnosis
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.core.text import significant
from mlgolf.plots.theme import Style

WIDTH, ROOF_WIDTH = 340, 290  # pixels, as on a phone; the second has an axis beside it
ROW, BAR = 44, 12  # pixels of a part, and of the bar in it
ROOF_HEIGHT = 220
LETTER = 6  # pixels, of the name of the step
PARTS = (
    "input", "copies", "overhead", "compute", "bandwidth", "optimizer", "threads", "interconnect",
    "other_programs", "unexplained",
)
LEAST_PERCENT = 0.5  # of a part that is drawn
LINE = 60  # characters of a subtitle
TITLE_LINE = 42
MARKED = "orange: what holds the step back"


def step_time_table(found: Diagnosis) -> pl.DataFrame:
    """What is drawn: each part's share of the step in percent, and whether it holds it back."""
    holding = {finding.bottleneck for finding in found.findings}
    rows = [
        (part, 100 * share, 1e3 * share * found.step_seconds, part in holding)
        for part, share in ((part, found.shares.get(part, 0.0)) for part in PARTS)
    ]
    names = ["part", "percent", "milliseconds", "holds_back"]
    return pl.DataFrame(rows, schema=names, orient="row")


def step_time_chart(table: pl.DataFrame, style: Style, title: str, subtitle: str = "") -> Any:
    """A bar for each part, the longest first, out of the whole step. Its name is above it."""
    theme = style.theme
    shown = (
        table.filter(pl.col("percent") > LEAST_PERCENT).sort("percent", descending=True)
        .with_columns(
            whole=pl.lit(100.0), name=pl.col("part").str.replace_all("_", " "),
            label=pl.format(
                "{}% · {} ms", pl.col("percent").round(0).cast(pl.Int64),
                pl.col("milliseconds").map_elements(
                    lambda value: significant(value, 3), return_dtype=pl.String),
            ),
        )
    )  # fmt: skip
    rows = alt.Y("part:N", axis=None, sort=shown["part"].to_list())
    bar = {"height": BAR, "yOffset": ROW / 4, "cornerRadius": 2}
    text = {"baseline": "middle", "dy": -ROW / 8, "fontSize": 13}
    step = alt.Chart(shown)
    begin, length = (
        alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, 100], nice=False))
        for field in ("percent", "whole")
    )
    holding = alt.condition(
        alt.datum.holds_back, alt.value(theme.colours[1]), alt.value(theme.colours[0])
    )
    chart = alt.layer(
        step.mark_bar(color=theme.grid, **bar).encode(length, rows),
        step.mark_bar(opacity=1, **bar).encode(begin, rows, color=holding),
        step.mark_text(align="left", fontWeight=600, color=theme.ink, **text)
        .encode(rows, x=alt.value(0), text="name:N"),
        step.mark_text(align="right", color=theme.ink, **text)
        .encode(rows, x=alt.value(WIDTH), text="label:N"),
        width=WIDTH, height=alt.Step(ROW),
        title=alt.TitleParams(title, subtitle=[*textwrap.wrap(subtitle, LINE), MARKED]),
    )  # fmt: skip
    return style.apply(chart)


def roofline_chart(found: Diagnosis, ceilings: Ceilings, style: Style) -> Any | None:
    """The step as a point below what its machine can attain; None if nothing was counted."""
    floor, measured = found.measured.floor, found.measured
    took = measured.forward + measured.backward
    took = took if took > 0 else measured.real
    if floor is None or not floor.flop > 0 or not floor.bytes > 0 or not took > 0:
        return None
    intensity, reached = floor.intensity, floor.flop / took / 1e9
    ends = [min(intensity, ceilings.ridge) / 8, ceilings.ridge, max(intensity, ceilings.ridge) * 8]
    roof = pl.DataFrame({
        "intensity": ends, "rate": [ceilings.attainable(end) / 1e9 for end in ends],
    })
    point = pl.DataFrame({
        "intensity": [intensity], "rate": [reached], "submission": [found.bottleneck],
        "label": [f"this step: {reached:.3g} GFLOP/s"],
    })
    low = 10 ** math.floor(math.log10(min(reached, roof["rate"].min()) / 1.5))  # type: ignore[operator]
    high = 2 * ceilings.flops / 1e9
    x = alt.X(
        "intensity:Q", title="FLOP per byte (log scale)", axis=alt.Axis(grid=False, tickCount=5),
        scale=alt.Scale(type="log", domain=[ends[0], ends[-1]], nice=False),
    )
    y = alt.Y(
        "rate:Q", title="GFLOP/s (log scale)",
        axis=alt.Axis(domain=False, values=_decades(low, high)),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
    )
    ink = style.theme.muted
    # To the right of the point, as the roof falls to its left; to the left where there is no room.
    along = ROOF_WIDTH * math.log(intensity / ends[0]) / math.log(ends[-1] / ends[0])
    side = "left" if along + LETTER * len(point["label"][0]) <= WIDTH else "right"
    roofs = pl.DataFrame({
        "intensity": [ends[-1], ends[0]], "rate": [roof["rate"][2], roof["rate"][0]],
        "label": [
            f"{ceilings.flops / 1e9:.3g} GFLOP/s measured",
            f"{ceilings.bandwidth / 1e9:.3g} GB/s measured",
        ],
        "side": ["right", "left"],
    })  # fmt: skip
    right, left = (roofs.filter(pl.col("side") == side) for side in ("right", "left"))
    layers = [
        alt.Chart(roof).mark_line(strokeWidth=1.8, color=ink).encode(x, y),
        alt.Chart(right).mark_text(align="right", dy=-9, fontSize=12, color=ink)
        .encode(x, y, text="label:N"),
        alt.Chart(left).mark_text(align="left", dx=30, dy=8, fontSize=12, color=ink)
        .encode(x, y, text="label:N"),
        alt.Chart(point).mark_point(filled=True, size=80, opacity=1)
        .encode(x, y, color=alt.value(style.theme.colours[1])),
        alt.Chart(point).mark_text(align=side, dy=18, fontSize=12, fontWeight=600)
        .encode(x, y, text="label:N", color=alt.value(style.theme.colours[1])),
    ]  # fmt: skip
    words = textwrap.wrap("What this machine attains, and what the step reached", TITLE_LINE)
    title = alt.TitleParams(words, frame="group")  # above the plot, as of the bars
    return style.apply(alt.layer(*layers, width=ROOF_WIDTH, height=ROOF_HEIGHT, title=title))


def _decades(low: float, high: float) -> list[float]:
    return [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
