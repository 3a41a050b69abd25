"""Charts as the text of SVGs, and the same text in other colours. Needs no browser, no network."""

import io
import re
from collections.abc import Callable

import altair as alt

from mlgolf.plots.theme import LIGHT, Theme


def to_svg(chart: alt.TopLevelMixin) -> str:
    """The chart, with coordinates cut to hundredths of a pixel: a third of the size."""
    buffer = io.StringIO()
    with alt.data_transformers.enable("default", max_rows=None):  # a run has many evaluations
        chart.save(buffer, format="svg")
    return _in_tags(
        lambda tag: re.sub(r' (?:d|transform|points)="[^"]*"', _cut_decimals, tag),
        buffer.getvalue(),
    )


def recoloured(svg: str, theme: Theme) -> str:
    """A figure of the light theme in the colours of another."""
    names = {colour: name for name, colour in LIGHT.variables().items()}
    return _map_colours(svg, {colour: theme.variables()[name] for colour, name in names.items()})


def for_page(svg: str, ids: str) -> str:
    """A figure of the light theme for use within a page whose style sheet sets the colours.

    The colours become variables named as in `Theme.variables`. `ids` is a prefix for every id, so
    that one page can have several figures.
    """
    names = {colour: f"var(--{name})" for name, colour in LIGHT.variables().items()}
    def own_ids(tag: str) -> str:
        tag = re.sub(r' id="(\w+)"', rf' id="{ids}\1"', tag)
        return tag.replace('"url(#', f'"url(#{ids}')

    return _in_tags(own_ids, _map_colours(svg, names))


def _map_colours(svg: str, new: dict[str, str]) -> str:
    def in_tag(tag: str) -> str:
        return re.sub(r'="(#[0-9a-f]{6})"', lambda m: f'="{new.get(m[1], m[1])}"', tag)

    return _in_tags(in_tag, svg)


def _in_tags(change: Callable[[str], str], svg: str) -> str:
    """The SVG with its tags changed. Text between them may be anybody's, and stays as it is."""
    return re.sub(r"<[^<>]*>", lambda tag: change(tag[0]), svg)


def _cut_decimals(attribute: re.Match[str]) -> str:
    number = r"-?\d+\.\d{3,}(?:e-?\d+)?"
    return re.sub(number, lambda match: f"{float(match[0]):.2f}", attribute[0])
