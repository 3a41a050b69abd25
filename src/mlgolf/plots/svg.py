"""Charts as SVGs, arranged and in other colours. Needs no browser, no network."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.drawing import Drawer, Svg, draw, in_tags
from mlgolf.plots.theme import LIGHT, Theme

ROOT = re.compile(r'<svg [^<>]*? width="([\d.]+)" height="([\d.]+)"')
ORIGIN = re.compile(r' transform="translate\(([-\d.]+),')  # of the plot, right of its labels
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # the one that altair writes
GAP = 24  # pixels between charts
MARGIN = 14  # around what is saved by itself


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart, drawn in this process."""
    return draw(specification(chart), VEGA_LITE)


def specification(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """What there is to draw, as Vega-Lite."""
    with alt.data_transformers.enable(TRANSFORMER):
        # Altair has checked each part when it was made; all at once takes as long as drawing.
        return chart.to_dict(validate=False)


def _as_csv(table: pl.DataFrame) -> dict[str, Any]:
    """A table within a specification: a run has many evaluations, and objects are slow to read."""
    kinds = {name: _KINDS.get(kind, "number") for name, kind in table.schema.items()}
    return {"values": table.write_csv(), "format": {"type": "csv", "parse": kinds}}


_KINDS = {pl.String: "string", pl.Boolean: "boolean"}
TRANSFORMER = "csv within the chart"
alt.data_transformers.register(TRANSFORMER, _as_csv)  # pyright: ignore


@contextmanager
def drawn_beside() -> Iterator[Callable[[alt.TopLevelMixin], Svg]]:
    """What begins to draw a chart in another process, and gives what waits for it."""
    with Drawer(VEGA_LITE) as drawer:
        yield lambda chart: drawer.draw(specification(chart))


def drawn_here(chart: alt.TopLevelMixin) -> Svg:
    svg = to_svg(chart)
    return lambda: svg


def in_columns(svgs: Sequence[str], columns: int, theme: Theme = LIGHT) -> str:
    """Charts of one figure in rows, their plots aligned. Their ids must differ."""
    shifts, width = _aligned(svgs)
    cell = width + GAP
    heights = [
        max(size(svg)[1] for svg in svgs[start:start + columns]) + GAP
        for start in range(0, len(svgs), columns)
    ]
    tops = [0.0, *accumulate(heights)]
    return _placed([
        (svg, number % columns * cell + shifts[number], tops[number // columns])
        for number, svg in enumerate(svgs)
    ], theme)


def equally_wide(svgs: Sequence[str], theme: Theme = LIGHT) -> list[str]:
    """Charts whose plots are as far from the left, for use side by side at one scale."""
    shifts, width = _aligned(svgs)
    return [
        _placed([(svg, shift, 0.0)], theme, (width, 0.0))
        for svg, shift in zip(svgs, shifts, strict=True)
    ]


def _aligned(svgs: Sequence[str]) -> tuple[list[float], float]:
    """How far each is to be moved right, and how wide the widest is then."""
    origins = [float(found[1]) if (found := ORIGIN.search(svg)) else 0.0 for svg in svgs]
    shifts = [max(origins, default=0.0) - origin for origin in origins]
    ends = (shift + size(svg)[0] for shift, svg in zip(shifts, svgs, strict=True))
    return shifts, max(ends, default=0.0)


def stacked(svgs: Sequence[str], theme: Theme = LIGHT) -> str:
    """Charts one below another."""
    tops = [0.0, *accumulate(size(svg)[1] + GAP / 2 for svg in svgs)]
    return svgs[0] if len(svgs) == 1 else _placed(
        [(svg, 0.0, top) for svg, top in zip(svgs, tops, strict=False)], theme
    )


def framed(svg: str, theme: Theme = LIGHT) -> str:
    """With a margin of paper, so that nothing touches the edge of an image."""
    width, height = (side + 2 * MARGIN for side in size(svg))
    return _placed([(svg, MARGIN, MARGIN)], theme, (width, height))


def size(svg: str) -> tuple[float, float]:
    """Width and height in pixels."""
    found = ROOT.match(svg)
    assert found is not None
    return float(found[1]), float(found[2])


def _placed(
    places: Sequence[tuple[str, float, float]], theme: Theme,
    least: tuple[float, float] = (0.0, 0.0),
) -> str:
    """Charts with the left and the upper end of each, in one of some least size."""
    ends = [(left + size(svg)[0], top + size(svg)[1]) for svg, left, top in places]
    width, height = (max(end) for end in zip(least, *ends, strict=True))
    box = f'width="{width:g}" height="{height:g}"'
    inner = (
        f'<g transform="translate({left:.2f},{top:.2f})">{_content(svg)}</g>'
        for svg, left, top in places
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {width:g} {height:g}">'
        f'<rect {box} fill="{theme.paper}"/>{"".join(inner)}</svg>'
    )


def _content(svg: str) -> str:
    return svg[svg.index(">") + 1:].removesuffix("</svg>")


def recoloured(svg: str, theme: Theme) -> str:
    """A figure of the light theme in the colours of another."""
    names = {colour: name for name, colour in LIGHT.variables().items()}
    return _map_colours(svg, {colour: theme.variables()[name] for colour, name in names.items()})


def for_page(svg: str) -> str:
    """A figure of the light theme for use within a page whose style sheet sets the colours.

    The colours become variables named as in `Theme.variables`.
    """
    names = {colour: f"var(--{name})" for name, colour in LIGHT.variables().items()}
    return _map_colours(svg, names)


def with_ids(svg: str, prefix: str) -> str:
    """Every id with a prefix, so that one page can have several figures."""
    def own_ids(tag: str) -> str:
        tag = re.sub(r' id="(\w+)"', rf' id="{prefix}\1"', tag)
        return tag.replace('"url(#', f'"url(#{prefix}')

    return in_tags(own_ids, svg)


def _map_colours(svg: str, new: dict[str, str]) -> str:
    def in_tag(tag: str) -> str:
        return re.sub(r'="(#[0-9a-f]{6})"', lambda m: f'="{new.get(m[1], m[1])}"', tag)

    return in_tags(in_tag, svg)
