"""Dates as tables write them, and as decimal years: 2015-12-10, 2015-12, 2015, 2015.94."""

import re
from datetime import date, timedelta

DAYS = 365.2425  # of a mean year
MONTHS = 12.0
EARLIEST = 1936  # Turing's paper: nothing was computed before
SENTINELS = frozenset({"1970-01-01", "9999-12-31"})  # what programs write for an unknown date
ALLOWED = "a date as 2015-12-10, 2015-12, 2015 or 2015.94"

_CALENDAR = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?")
_DECIMAL = re.compile(r"\d{4}\.\d+")


def date_of(text: str) -> date | None:
    """The day; of a month or a year its middle; None for what is no date."""
    text = text.strip()
    try:
        if _DECIMAL.fullmatch(text):
            year, part = int(text[:4]), float("0" + text[4:])
            first = date(year, 1, 1)
            return first + timedelta(days=part * (date(year + 1, 1, 1) - first).days)
        found = _CALENDAR.fullmatch(text)
        if found is None:
            return None
        year, month, day = (None if part is None else int(part) for part in found.groups())
        return date(year or 0, 7 if month is None else month, day or (1 if month is None else 15))
    except ValueError:  # the 31st of February; the year 0
        return None


def as_shown(text: str, day: date) -> str:
    """As precise as it was given: "2015-12-10", "2015-12", "2015"."""
    found = _CALENDAR.fullmatch(text.strip())
    return day.isoformat()[: 4 + 3 * sum(part is not None for part in found.groups()[1:])] if (
        found
    ) else day.isoformat()


def is_sentinel(text: str, day: date) -> bool:
    """Whether it stands for an unknown date rather than for a day."""
    return day.isoformat() in SENTINELS or day.year < EARLIEST or text.strip() == "9999"


def decimal_year(day: date) -> float:
    return 1970 + (day - date(1970, 1, 1)).days / DAYS


def arxiv_month(text: str) -> tuple[int, int] | None:
    """Year and month of an identifier of arXiv since 2007: of 1512.03385 December 2015."""
    found = re.search(r"(?<!\d)(\d{2})(\d{2})\.\d{4,5}(?!\d)", text)
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    return 2000 + int(found[1]), int(found[2])
