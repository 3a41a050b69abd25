"""Ticks of an axis of dates: years, months, days or minutes, as close as the dates are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt

MOST_TICKS = 7
MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (
    1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


def milliseconds(moment: datetime) -> int:
    """Since 1970, as charts count."""
    return round(moment.timestamp() * 1000)


def date_axis(first: datetime, last: datetime, **looks: Any) -> tuple[alt.Axis, str]:
    """The axis in UTC, and its title: what is the same in all of its labels."""
    ticks, pattern, title = date_ticks(first, last)
    axis = alt.Axis(
        values=[milliseconds(tick) for tick in ticks],
        labelExpr=f"utcFormat(datum.value, '{pattern}')", **looks,
    )
    return axis, title


def date_ticks(first: datetime, last: datetime) -> tuple[list[datetime], str, str]:
    """Moments within the ends, the pattern of their labels, and what these leave out."""
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    span = (last - first).total_seconds()
    for step in STEPS:
        if span / step <= MOST_TICKS - 1:
            ticks = list(_every(step, first, last))
            if step >= DAY:
                return ticks, "%-d %b", _years(ticks)
            pattern = "%H:%M" if step >= MINUTE else "%H:%M:%S"
            if ticks[0].date() == ticks[-1].date():
                return ticks, pattern, f"{ticks[0].day} {ticks[0]:%b %Y}, UTC"
            return ticks, f"%-d %b {pattern}", f"{_years(ticks)}, UTC"
    for step in MONTHS:
        ticks = list(_months(step, first, last))
        if len(ticks) <= MOST_TICKS:
            return ticks, "%Y" if step >= 12 else "%b %Y", ""
    return [first, last], "%Y", ""


def _every(step: int, first: datetime, last: datetime) -> Iterator[datetime]:
    number = -(-first.timestamp() // step)
    while (moment := number * step) <= last.timestamp():
        yield datetime.fromtimestamp(moment, UTC)
        number += 1


def _months(step: int, first: datetime, last: datetime) -> Iterator[datetime]:
    begin, end = 12 * first.year + first.month - 1, 12 * last.year + last.month - 1
    for month in range(-(-begin // step) * step, end + 1, step):
        moment = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        if first <= moment:
            yield moment


def _years(ticks: Sequence[datetime]) -> str:
    first, last = ticks[0].year, ticks[-1].year
    return str(first) if first == last else f"{first} to {last}"
