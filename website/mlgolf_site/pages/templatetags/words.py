"""Filters of all templates."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import nh3
from django import template
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from mlgolf.core.text import significant

register = template.Library()
_SAME_WORDS = {  # what packages say, in sentence case: what this site says
    "Sign up": "Register", "Signup": "Register", "Two-factor authentication": "Second factor",
    "Login": "Username or email", "Remember Me": "Remember me",
}
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
def time_left(closes: date | None) -> str:
    """Until the end of the day on which something closes."""
    if closes is None:
        return ""
    left = end_of(closes) - timezone.now()
    return f"{duration(left)} left" if left > timedelta(0) else "closed"


@register.filter
def end_of(day: date) -> datetime:
    """The moment, in UTC, at which a day ends."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


@register.filter
def sentence_case(text: str) -> str:
    """A heading without the capitals of its later words, in the words of this site."""
    if not (words := str(text).split()):
        return ""
    first, *others = words
    begin = first if first.isupper() else first.capitalize()
    words = [begin, *(word if word.isupper() else word.lower() for word in others)]
    return _SAME_WORDS.get(" ".join(words), " ".join(words))


@register.filter
def form_label(text: str) -> str:
    return _SAME_WORDS.get(text, text)


@register.filter
def spaced(word: str) -> str:
    """not_qualified as not qualified."""
    return word.lower().replace("_", " ")


@register.filter
def site_words(html: str) -> str:
    """A sentence of a package in the words of this site."""
    return html.replace("sign up", "register").replace("Sign up", "Register")


@register.filter
def newest(rows: Iterable[Any]) -> Any:
    """Of rows that are looked up already, oldest first."""
    return next(reversed([*rows]), None)


@register.filter
def short(sha256: str) -> str:
    return f"{sha256[:12]}…" if sha256 else ""


@register.filter
def first_word(text: str) -> str:
    """Of a ruling that is shown with what it became: its id."""
    return text.partition(" ")[0]


@register.filter
def moment(text: str) -> str:
    """Of a moment as JSON has it: "3 Dec 2026 14:02 UTC"."""
    found = datetime.fromisoformat(text).astimezone(UTC)
    return f"{found.day} {found:%b %Y %H:%M} UTC"


@register.filter
def rounded(value: float) -> str:
    return significant(value, 4)


@register.filter
def from_library(html: str) -> SafeString:
    """Markup that mlgolf.report made, with all text of others escaped."""
    return mark_safe(html)


@register.filter
def percent(share: float | None) -> str:
    return "" if share is None else f"{significant(100 * share, 2)}%"
