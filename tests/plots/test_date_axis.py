"""Ticks of dates: as far apart as the dates are, and never the same label twice."""

from datetime import UTC, datetime, timedelta

import pytest

from mlgolf.plots.date_axis import MOST_TICKS, date_ticks

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
SPANS = [
    timedelta(seconds=3), timedelta(minutes=4), timedelta(hours=5), timedelta(days=1, hours=5),
    timedelta(days=5), timedelta(days=40), timedelta(days=300), timedelta(days=3000),
]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_there_are_some_ticks_within_the_ends_and_not_too_many(span):
    ticks, _, _ = date_ticks(NOON, NOON + span)
    assert 2 <= len(ticks) <= MOST_TICKS
    assert all(NOON <= tick <= NOON + span for tick in ticks)


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_no_two_labels_are_the_same(span):
    ticks, pattern, _ = date_ticks(NOON, NOON + span)
    labels = [f"{tick:{pattern}}" for tick in ticks]
    assert len(set(labels)) == len(labels)


def test_hours_say_of_which_day_they_are():
    _, pattern, title = date_ticks(NOON, NOON + timedelta(hours=9))
    assert (pattern, title) == ("%H:%M", "30 Mar 2026, UTC")
    _, pattern, title = date_ticks(NOON, NOON + timedelta(hours=20))
    assert (pattern, title) == ("%-d %b %H:%M", "2026, UTC")


def test_days_say_of_which_year_they_are():
    _, pattern, title = date_ticks(NOON, NOON + timedelta(days=20))
    assert (pattern, title) == ("%-d %b", "2026")


def test_months_carry_their_year():
    ticks, pattern, title = date_ticks(NOON, NOON + timedelta(days=200))
    assert (pattern, title) == ("%b %Y", "")
    assert {tick.day for tick in ticks} == {1}
