"""The few pieces of HTML that the report is made of. Whatever is text is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)  # text that may stand in the page as it is


def text(value: object) -> Html:
    """Any value as text. Names may break after an underscore, so that columns stay narrow."""
    return Html(escape(str(value)).replace("_", "_<wbr>"))


def tag(name: str, *content: Html, css: str = "") -> Html:
    attribute = f' class="{escape(css)}"' if css else ""
    return Html(f"<{name}{attribute}>{''.join(content)}</{name}>")


def join(parts: Iterable[Html]) -> Html:
    return Html("\n".join(parts))


def table(head: Sequence[Html], rows: Iterable[Sequence[Html]], *, css: str = "") -> Html:
    """A table in a box that scrolls by itself. A cell that is no `<td>` or `<th>` becomes one."""
    header = tag("tr", *(tag("th", cell) for cell in head))
    body = [tag("tr", *(_cell(cell) for cell in row)) for row in rows]
    inner = tag("table", tag("thead", header), tag("tbody", *body), css=css)
    return Html(f'<div class="scroll" tabindex="0">{inner}</div>')


def _cell(cell: Html) -> Html:
    return cell if cell.startswith(("<td", "<th")) else tag("td", cell)


def section(title: str, *content: Html, css: str = "") -> Html:
    return tag("section", tag("h2", text(title)), *content, css=css)


def figure(
    drawing: Html, number: int, caption: Html, *, above: Html = Html(""), css: str = ""
) -> Html:
    """A numbered figure; `above` stands over its caption."""
    words = tag("p", tag("b", text(f"Figure {number}. ")), caption)
    return tag("figure", drawing, tag("figcaption", above, words), css=css)
