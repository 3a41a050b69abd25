"""Filters of all templates."""

from datetime import timedelta
from typing import Any

import nh3
from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from mlgolf.core.text import significant

register = template.Library()
_TAGS = {
    "p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "blockquote", "h2", "h3", "h4",
    "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "del",
}


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown of a person as HTML without script, style, images or markup of its own."""
    html = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(
        text or ""
    )
    return mark_safe(nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
    ))


@register.filter
def breakable(text: Any) -> SafeString:
    """As text; a line may break after an underscore."""
    return mark_safe(escape(text).replace("_", "_<wbr>"))


@register.filter
def duration(seconds: Any) -> str:
    """In words, in its two largest units."""
    if seconds is None:
        return ""
    left = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if left < 1:
        return "less than a second"
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


@register.filter
def short(sha256: str) -> str:
    return f"{sha256[:12]}…" if sha256 else ""


@register.filter
def first_word(text: str) -> str:
    """Of a ruling that is shown with what it became: its id."""
    return text.partition(" ")[0]


@register.filter
def percent(share: float | None) -> str:
    return "" if share is None else f"{significant(100 * share, 2)}%"
