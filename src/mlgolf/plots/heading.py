"""What stands above the panels of a figure: its title, how to read it, what must not be missed."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from mlgolf.core.text import printable
from mlgolf.plots.svg import framed, size, stacked
from mlgolf.plots.theme import FONT, LIGHT, Theme

LEAST_WIDTH = 480  # pixels, for the words above a small figure
MOST_WIDTH = 760  # a longer line is hard to read
LINE = 17  # pixels from line to line
BOLD, PLAIN = 7.1, 5.6  # pixels of a character, at these sizes:
BOLD_SIZE, PLAIN_SIZE = 14, 12
MOST_REASONS = 2  # that a figure names; the sentences below it on its page have all
PAD, BAR = 10, 5  # of the box of a notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    title: str
    reading: str = ""  # what bars and bands are, and which side is better
    notice: str = ""  # "Not a fair comparison: …" stands in a box of its own


def unfair_notice(reasons: Sequence[str]) -> str:
    """What every figure of a comparison that is not fair says; empty for a fair one."""
    if not reasons:
        return ""
    more = len(reasons) - MOST_REASONS
    named = [*reasons[:MOST_REASONS], *([f"and {more} more"] if more > 0 else [])]
    return f"Not a fair comparison: {'; '.join(named)}"


def headed(svg: str, heading: Heading, theme: Theme = LIGHT) -> str:
    """The figure below its heading, with a margin all around: as it is saved and sent."""
    width = max(size(svg)[0], LEAST_WIDTH)
    return framed(stacked([_above(heading, width, theme), svg], theme), theme)


def _above(heading: Heading, width: float, theme: Theme) -> str:
    parts: list[str] = []
    room, top = min(width, MOST_WIDTH), 0.0
    for line in _wrapped(heading.title, room, BOLD):
        top += LINE + 2
        parts.append(_text(line, 0, top - 5, theme.ink, BOLD_SIZE, 600))
    if heading.notice:
        box, height = _notice(heading.notice, room, top + 4, theme)
        parts.append(box)
        top += height + 10
    for line in _wrapped(heading.reading, room, PLAIN):
        top += LINE
        parts.append(_text(line, 0, top - 4, theme.muted, PLAIN_SIZE, 400))
    inside = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{top:g}">{inside}</svg>'
    )


def _notice(notice: str, width: float, top: float, theme: Theme) -> tuple[str, float]:
    """A box in the colour of warnings, and its height."""
    first, _, reasons = notice.partition(": ")
    lines = [*_wrapped(reasons, width - 2 * PAD - BAR, PLAIN)]
    height = 2 * PAD + LINE * (1 + len(lines))
    colour, left = theme.colours[1], BAR + PAD
    words = [_text(first, left, top + PAD + 13, theme.ink, BOLD_SIZE, 700)]
    words += [
        _text(line, left, top + PAD + 13 + LINE * (at + 1), theme.ink, PLAIN_SIZE, 400)
        for at, line in enumerate(lines)
    ]
    return (
        f'<rect y="{top:g}" width="{width:g}" height="{height:g}" fill="{colour}" '
        f'fill-opacity="0.18"/><rect y="{top:g}" width="{BAR}" height="{height:g}" '
        f'fill="{colour}"/>{"".join(words)}', height,
    )


def _wrapped(text: str, width: float, character: float) -> Iterator[str]:
    yield from textwrap.wrap(text, max(20, int(width / character)))


def _text(line: str, left: float, base: float, colour: str, pixels: int, weight: int) -> str:
    return (
        f'<text x="{left:g}" y="{base:g}" fill="{colour}" font-family="{FONT}" '
        f'font-size="{pixels}px" font-weight="{weight}">{escape(printable(line))}</text>'
    )
