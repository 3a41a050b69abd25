"""How results display themselves: as plain text, or as HTML in a notebook."""

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any
from zlib import crc32

from rich.console import Console

from mlgolf.plots.svg import in_columns, to_svg, with_ids
from mlgolf.report.html import Html, table, tag, text
from mlgolf.report.terminal import plain, text_table

WIDTH = 80  # columns of a board as text
WIDE = 120  # of tables of numbers with their intervals
STYLE = Html("<style>.mlgolf small { display: block; opacity: 0.7 }</style>")

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # title, heads, rows


def as_text(show: Callable[[Console], None], width: int) -> str:
    """What is shown, plain also where the environment asks for colours, as notebooks do."""
    written = StringIO()
    show(Console(
        file=written, width=width, highlight=False, force_jupyter=False, force_terminal=False,
    ))  # fmt: skip
    return written.getvalue().rstrip()


class Shown:
    """What displays itself: in a notebook its figure, then its tables and sentences."""

    _columns = 2  # of the figure

    def _panels(self) -> Sequence[Any]:
        raise NotImplementedError

    def _tables(self) -> Iterable[Table]:
        raise NotImplementedError

    def _lines(self) -> Iterable[str]:
        raise NotImplementedError

    def show(self, console: Console) -> None:
        """Print the tables, then a line for each sentence."""
        for head, heads, rows in self._tables():
            console.print(text_table(head, heads, rows))
        for line in self._lines():
            console.print(plain(line), soft_wrap=not console.is_terminal)

    def __repr__(self) -> str:
        return as_text(self.show, WIDE)

    def _repr_html_(self) -> str:
        drawn = [_with_own_ids(to_svg(panel), at) for at, panel in enumerate(self._panels())]
        figure = Html(in_columns(drawn, min(self._columns, len(drawn)))) if drawn else Html("")
        parts = [
            tag("div", tag("p", tag("b", text(head))), table(
                [*map(text, heads)], [[*map(text, row)] for row in rows]
            )) for head, heads, rows in self._tables()
        ]  # fmt: skip
        said = tag("ul", *(tag("li", text(line)) for line in self._lines()))
        return tag("div", STYLE, figure, *parts, said, css="mlgolf")


def _with_own_ids(svg: str, at: int) -> str:
    """Ids of no other figure in the notebook, unless it is the same one."""
    return with_ids(svg, f"f{crc32(svg.encode()):08x}_{at}_")
