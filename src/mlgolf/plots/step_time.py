"""Where the time of a step goes, and its operations under the roof of the machine."""

import math
import textwrap
from typing import Any

import altair as alt
import polars as pl

from mlgolf.analysis.bottleneck import Diagnosis
from mlgolf.analysis.roofline import Ceilings
from mlgolf.plots.theme import Style

WIDTH, BAR, ROOM = 520, 54, 16
ROOF_HEIGHT = 220
# In this order from left to right; a part keeps its colour in every figure.
PARTS = (
    "input", "copies", "overhead", "compute", "bandwidth", "optimizer", "threads", "interconnect",
)
LABELLED = 0.085  # of the step: narrower parts have no room for their names
LINE = 84  # characters


def step_time_table(found: Diagnosis) -> pl.DataFrame:
    """What is drawn: each part's share of the step, where it begins and ends, in percent."""
    rows, at = [], 0.0
    for part in PARTS:
        share = 100 * found.shares.get(part, 0.0)
        rows.append((part, at, at + share, share, share / 100 * found.step_seconds * 1e3))
        at += share
    names = ["part", "begins", "ends", "percent", "milliseconds"]
    return pl.DataFrame(rows, schema=names, orient="row")


def step_time_chart(table: pl.DataFrame, style: Style, title: str, subtitle: str = "") -> Any:
    """One bar with its parts; names in it where there is room, else below in the subtitle."""
    shown = table.filter(pl.col("percent") > 0.5).with_columns(
        submission="part", middle=(pl.col("begins") + pl.col("ends")) / 2,
        label=pl.col("percent").round(0).cast(pl.Int64).cast(pl.String) + "%",
    )
    wide = shown.filter(pl.col("percent") >= 100 * LABELLED)
    narrow = shown.filter(pl.col("percent") < 100 * LABELLED)
    x = alt.X(
        "begins:Q", title="share of the step's time (%)", scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    bars = alt.Chart(shown).mark_bar(
        height=BAR, stroke=style.theme.paper, strokeWidth=2, opacity=1
    ).encode(x, alt.X2("ends:Q"), y=alt.value(BAR / 2 + ROOM + 10), color=style.colour())
    names = alt.Chart(wide).mark_text(
        fontSize=12, fontWeight=600, baseline="bottom"
    ).encode(alt.X("middle:Q"), y=alt.value(ROOM + 4), text="part:N", color=style.colour())
    shares = alt.Chart(wide).mark_text(
        fontSize=13, fontWeight=600, color=style.theme.paper
    ).encode(alt.X("middle:Q"), y=alt.value(BAR / 2 + ROOM + 10), text="label:N")
    rest = ", ".join(
        f"{row['part']} {row['label']}" for row in narrow.iter_rows(named=True)
    )
    lines = [subtitle, *textwrap.wrap(f"too narrow for a label: {rest}", LINE)] if rest else [
        subtitle
    ]
    chart = alt.layer(
        bars, names, shares, width=WIDTH, height=BAR + 2 * ROOM + 6,
        title=alt.TitleParams(title, subtitle=lines),
    )
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
        alt.Chart(right).mark_text(align="right", dy=-9, fontSize=11, color=ink)
        .encode(x, y, text="label:N"),
        alt.Chart(left).mark_text(align="left", dx=30, dy=8, fontSize=11, color=ink)
        .encode(x, y, text="label:N"),
        alt.Chart(point).mark_point(filled=True, size=80, opacity=1)
        .encode(x, y, color=alt.value(style.theme.colours[1])),
        alt.Chart(point).mark_text(align="center", dy=18, fontSize=12, fontWeight=600)
        .encode(x, y, text="label:N", color=alt.value(style.theme.colours[1])),
    ]  # fmt: skip
    title = "What this machine attains, and what the step reached"
    return style.apply(alt.layer(*layers, width=WIDTH, height=ROOF_HEIGHT, title=title))


def _decades(low: float, high: float) -> list[float]:
    return [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
