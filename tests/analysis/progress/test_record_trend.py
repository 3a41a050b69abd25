import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.progress.trend import (
    months,
    months_interval,
    record_trend,
    trend,
)

YEARS = np.array([2012.0, 2013.5, 2015.0, 2018.0])


def test_what_halves_every_16_months_doubles_its_efficiency_every_16_months():
    log2 = 30 - 12 / 16 * (YEARS - 2012)
    assert record_trend(YEARS, log2).doubling_months == pytest.approx(16)


def test_the_trend_is_that_of_a_regression_of_the_records():
    log2 = np.array([5.0, 6.0, 4.0, 1.0])
    kept = [0, 2, 3]
    slope = np.polyfit(YEARS[kept], log2[kept], 1)[0]
    assert record_trend(YEARS, log2).slope == pytest.approx(-slope)


def test_the_interval_by_t_is_that_of_the_textbook():
    from scipy import stats

    log2 = np.array([5.0, 3.9, 3.2, 0.5])
    fit = stats.linregress(YEARS, log2)
    half = stats.t.ppf(0.975, 2) * fit.stderr
    low, high = trend(YEARS, log2).slope_interval()
    assert (low, high) == pytest.approx((-fit.slope - half, -fit.slope + half))


def test_two_records_have_no_interval():
    assert all(map(math.isnan, trend(YEARS[:2], np.array([2.0, 1.0])).slope_interval()))


def test_a_slope_that_may_be_0_has_no_longest_doubling_time():
    assert months_interval((-0.1, 2.0)) == (6.0, math.inf)
    assert months(0.0) == math.inf


def test_a_record_that_may_only_rise_has_no_doubling_time():
    assert all(map(math.isnan, months_interval((-2.0, -1.0))))


@given(
    log2=st.lists(st.floats(-20, 20), min_size=3, max_size=12), unit=st.integers(-30, 30),
)
def test_the_doubling_time_does_not_depend_on_the_unit(log2, unit):
    years, values = np.arange(len(log2), dtype=float), np.round(np.array(log2), 6)
    one, other = record_trend(years, values), record_trend(years, values + unit)
    assert one.records == other.records
    assert one.slope == pytest.approx(other.slope, nan_ok=True, abs=1e-9)
