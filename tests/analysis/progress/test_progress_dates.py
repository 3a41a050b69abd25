from datetime import date

import pytest

from mlgolf.analysis.progress.dates import (
    arxiv_month,
    as_shown,
    date_of,
    decimal_year,
    is_sentinel,
)


@pytest.mark.parametrize(("text", "day"), [
    ("2015-12-10", date(2015, 12, 10)), ("2015-12-10T08:00:00Z", date(2015, 12, 10)),
    ("2015-12", date(2015, 12, 15)), ("2015", date(2015, 7, 1)), ("2015.5", date(2015, 7, 2)),
])  # fmt: skip
def test_a_date_may_be_a_day_a_month_a_year_or_a_part_of_one(text, day):
    assert date_of(text) == day


@pytest.mark.parametrize("text", ["", "yesterday", "12/10/2015", "2015-02-30", "2015-13", "15-1-1"])
def test_what_is_no_date_is_none(text):
    assert date_of(text) is None


def test_a_date_is_shown_as_precisely_as_it_was_given():
    days = ("2015-12-10", "2015-12", "2015")
    assert [as_shown(text, date_of(text)) for text in days] == [*days]
    assert as_shown("2015.5", date_of("2015.5")) == "2015-07-02"


def test_a_year_is_365_days_and_a_quarter():
    assert decimal_year(date(2016, 1, 1)) == pytest.approx(2016, abs=0.01)
    between = decimal_year(date(2020, 7, 1)) - decimal_year(date(2019, 7, 1))
    assert between == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("text", ["1970-01-01", "9999-12-31", "1900-01-01", "9999"])
def test_what_stands_for_an_unknown_date_is_known(text):
    assert is_sentinel(text, date_of(text))


def test_an_identifier_of_arxiv_tells_its_month():
    assert arxiv_month("1512.03385") == (2015, 12)
    assert arxiv_month("repo csv") is None
    assert arxiv_month("1599.03385") is None
