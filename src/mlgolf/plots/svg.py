"""Charts as the text of SVGs, and the same text in other colours. Needs no browser, no network."""

import io
import re

import altair as alt

from mlgolf.plots.theme import LIGHT, Theme


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart, with coordinates cut to hundredths of a pixel: a third of the size."""
    buffer = io.StringIO()
    with alt.data_transformers.enable("default", max_rows=None):  # a run has many evaluations
        chart.save(buffer, format="svg")
    return re.sub(r' (?:d|transform|points)="[^"]*"', _cut_decimals, buffer.getvalue())


def recoloured(svg: str, theme: Theme) -> str:
    """A figure of the light theme in the colours of another."""
    names = {colour: name for name, colour in LIGHT.variables().items()}
    return _map_colours(svg, {colour: theme.variables()[name] for colour, name in names.items()})


def for_page(svg: str, ids: str) -> str:
    """A figure of the light theme to stand within a page, whose style sheet colours it.

    The colours become variables named as in `Theme.variables`. `ids` goes before every id, so that
    several figures can share the page.
    """
    names = {colour: f"var(--{name})" for name, colour in LIGHT.variables().items()}
    svg = re.sub(r' id="(\w+)"', rf' id="{ids}\1"', _map_colours(svg, names))
    return svg.replace('"url(#', f'"url(#{ids}')


def _map_colours(svg: str, new: dict[str, str]) -> str:
    # Only attributes that are a colour and nothing else: a name that looks like one is text.
    return re.sub(r'="(#[0-9a-f]{6})"', lambda m: f'="{new.get(m[1], m[1])}"', svg)


def _cut_decimals(attribute: re.Match[str]) -> str:
    number = r"-?\d+\.\d{3,}(?:e-?\d+)?"
    return re.sub(number, lambda match: f"{float(match[0]):.2f}", attribute[0])
