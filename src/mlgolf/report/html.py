"""The HTML elements of the report. All text is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)  # markup: it goes into the page unchanged

THEME_BUTTON = Html('<button id="theme" hidden title="Light or dark"></button>')  # page.py acts


def text(value: object) -> Html:
    """Any value as text. Lines may break after an underscore, to keep columns narrow."""
    encodable = str(value).encode(errors="backslashreplace").decode()
    return Html(escape(encodable).replace("_", "_<wbr>"))


def tag(name: str, *content: Html, css: str = "") -> Html:
    attribute = f' class="{escape(css)}"' if css else ""
    return Html(f"<{name}{attribute}>{''.join(content)}</{name}>")


def join(parts: Iterable[Html]) -> Html:
    return Html("\n".join(parts))


def table(head: Sequence[Html], rows: Iterable[Sequence[Html]], *, css: str = "") -> Html:
    """A table in a box of its own that scrolls. Cells other than `<td>` or `<th>` become `<td>`."""
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
    """A numbered figure; `above` goes above its caption."""
    words = tag("p", tag("b", text(f"Figure {number}. ")), caption)
    return tag("figure", drawing, tag("figcaption", above, words), css=css)
