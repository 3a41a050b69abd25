"""How results display themselves: as plain text, as HTML in a notebook, or as a page."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from zlib import crc32

from rich.console import Console

from mlgolf.plots.heading import Heading
from mlgolf.plots.svg import equally_wide, for_page, in_columns, to_svg, with_ids
from mlgolf.plots.theme import LIGHT
from mlgolf.report.html import THEME_BUTTON, Html, join, table, tag, text
from mlgolf.report.page import page
from mlgolf.report.terminal import print_line, print_table

WIDTH = 80  # columns of a board as text
ONE_LINE = 36  # characters of a cell
WIDE = 120  # of tables of numbers with their intervals
STYLE = Html(
    "<style>.mlgolf small { display: block; opacity: 0.7 } .mlgolf .warning { border-left: 6px "
    f"solid {LIGHT.colours[1]}; padding-left: 10px; font-weight: 600 }}</style>"
)

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # title, heads, rows


def as_text(show: Callable[[Console], None], width: int) -> str:
    """What is shown, plain also where the environment asks for colours, as notebooks do."""
    written = StringIO()
    show(Console(
        file=written, width=width, highlight=False, force_jupyter=False, force_terminal=False,
    ))  # fmt: skip
    return written.getvalue().rstrip()


class Shown(ABC):
    """What displays itself: warnings, its figure, then its tables and sentences."""

    _columns = 2  # of the figure
    _spare: Sequence[str] = ()  # heads of columns that a narrow terminal does without

    @abstractmethod
    def _panels(self) -> Sequence[Any]:
        """The charts of its figure."""

    @abstractmethod
    def _tables(self) -> Iterable[Table]:
        """Its tables."""

    @abstractmethod
    def _lines(self) -> Iterable[str]:
        """Sentences below the tables."""

    def _heading(self) -> Heading:
        """Of its figure and its page: as the first table, unless there is more to say."""
        return Heading(title=next((head for head, *_ in self._tables()), "Results"))

    def _notice(self) -> str:
        """What stands in the box above its figure, if it has one."""
        return self._heading().notice

    def _warnings(self) -> Iterable[str]:
        """Sentences to read before anything else."""
        return ()

    def show(self, console: Console) -> None:
        """Print the warnings and the tables, then a line for each sentence."""
        notice = self._notice()
        for line in (*self._warnings(), *([notice] if notice else [])):
            print_line(console, line)
        for head, heads, rows in self._tables():
            print_table(console, head, heads, rows, self._spare)
        for line in self._lines():
            print_line(console, line)

    def __repr__(self) -> str:
        return as_text(self.show, WIDE)

    def _repr_html_(self) -> str:
        drawn = self._drawn()
        figure = Html(in_columns(drawn, min(self._columns, len(drawn)))) if drawn else Html("")
        above = [*self._warned(), *self._above()]
        return tag("div", STYLE, *above, figure, *self._written(), css="mlgolf")

    def write_page(self, file: Path) -> Path:
        """Figure, tables and sentences as one page that can be mailed, printed, read offline."""
        title = self._heading().title
        heading = tag("header", tag("h1", text(title)), THEME_BUTTON)
        drawn = equally_wide(self._drawn())
        panels = [Html(f'<div role="img">{for_page(svg)}</div>') for svg in drawn]
        figure = join(panels) if len(panels) < 2 else Html(
            f'<div class="panels" style="--columns: {self._columns}">{join(panels)}</div>'
        )
        body = join([
            heading, *self._warned(), tag("section", *self._above(), figure),
            *self._written(without=title),
        ])
        file.write_text(page(title, body), encoding="utf-8")
        return file

    def _above(self) -> list[Html]:
        """What stands above the figure: a warning, if there is one, and how to read it."""
        heading = self._heading()
        return [
            tag("p", text(said), css=css)
            for said, css in ((heading.notice, "warning"), (heading.reading, "aside")) if said
        ]

    def _drawn(self) -> list[str]:
        return [_with_own_ids(to_svg(panel), at) for at, panel in enumerate(self._panels())]

    def _warned(self) -> list[Html]:
        return [tag("p", text(line), css="warning") for line in self._warnings()]

    def _written(self, without: str = "") -> list[Html]:
        """Args: without: a title that stands above already."""
        parts = [
            tag("section", *([tag("h3", text(head))] if head != without else []), table(
                [*map(text, heads)], [[*map(_cell, row)] for row in rows], css="results"
            ), css="next") for head, heads, rows in self._tables()
        ]  # fmt: skip
        return [*parts, tag("ul", *(tag("li", text(line)) for line in self._lines()), css="notes")]


def _cell(said: str) -> Html:
    """Numbers with their intervals stay on one line, sentences do not."""
    return text(said) if len(said) <= ONE_LINE else tag("td", text(said), css="long")


def _with_own_ids(svg: str, at: int) -> str:
    """Ids of no other figure in the notebook, unless it is the same one."""
    return with_ids(svg, f"f{crc32(svg.encode()):08x}_{at}_")
