import math

import numpy as np
import pytest

from mlgolf.analysis.progress.intervals import FEWEST, trend_interval


def entries(seed, number=16, halvings=1.0, slope=0.75):
    rng = np.random.default_rng(seed)
    years = np.sort(rng.uniform(2012, 2019, number))
    return years, 40 - slope * years + halvings * rng.standard_normal(number)


def test_it_holds_the_truth_in_about_95_of_100_simulations():
    """`benchmarks/progress_coverage.py` says it to a percent; here a broken one would show."""
    found = [trend_interval(*entries(seed), draws=300).interval for seed in range(150)]
    share = np.mean([low <= 0.75 <= high for low, high in found])
    assert 0.89 <= share <= 0.995


def test_the_middle_lies_between_the_ends():
    found = trend_interval(*entries(0))
    assert found.interval[0] < found.middle < found.interval[1]


def test_it_does_not_depend_on_the_unit():
    years, log2 = entries(1)
    one, other = trend_interval(years, log2), trend_interval(years, log2 + 7)
    assert other.interval == pytest.approx(one.interval)


def test_the_order_of_entries_of_one_date_changes_little():
    years = np.repeat(np.arange(2012.0, 2018.0), 3)
    log2 = 40 - 0.75 * years + np.random.default_rng(0).standard_normal(18)
    turned = log2.reshape(6, 3)[:, ::-1].ravel()
    one, other = (trend_interval(years, values).interval for values in (log2, turned))
    assert other == pytest.approx(one, abs=0.05)


def test_more_confidence_makes_it_wider():
    years, log2 = entries(2)
    (low, high), (lower, higher) = (
        trend_interval(years, log2, confidence=confidence).interval for confidence in (0.8, 0.99)
    )
    assert lower < low < high < higher


def test_entries_on_one_line_leave_no_doubt():
    years = np.arange(2012.0, 2020.0)
    assert trend_interval(years, 40 - 0.5 * years).interval == pytest.approx((0.5, 0.5))


def test_entries_that_do_not_improve_leave_the_doubling_time_open():
    years = np.arange(2012.0, 2020.0)
    noise = np.random.default_rng(0).standard_normal(8)
    low, high = trend_interval(years, noise).interval
    assert low <= 0 < high


def test_too_few_entries_have_none():
    years, log2 = entries(3, number=FEWEST - 1)
    assert all(map(math.isnan, trend_interval(years, log2).interval))
