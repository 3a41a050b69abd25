"""Ranks between which the medians of the best of k trials lie, with exact joint probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from numpy.testing import assert_allclose
from scipy.stats import binom

from mlgolf.analysis.tuning.order_bands import coverage_of_counts
from mlgolf.analysis.tuning.rank_bands import levels, rank_band
from mlgolf.core.errors import ScoringError


def test_the_median_of_the_best_of_k_is_the_quantile_at_a_kth_root_of_one_half():
    assert_allclose(levels(4) ** np.arange(1, 5), 0.5)


@given(n=integers(1, 40), trials=integers(1, 60), confidence=floats(0.05, 0.999))
def test_the_joint_probability_is_at_least_the_confidence(n, trials, confidence):
    assert rank_band(n, trials, confidence).coverage >= confidence


@pytest.mark.parametrize("n", [12, 40, 150])
def test_with_some_results_it_is_the_confidence_but_for_half_a_percent(n):
    assert rank_band(n, n, 0.95).coverage == pytest.approx(0.9525, abs=0.0026)


@given(n=integers(1, 40), at=floats(0.05, 0.95), ends=integers(0, 40))
def test_at_one_level_the_probability_is_binomial(n, at, ends):
    least, most = min(n, ends // 2), min(n, ends)
    found = coverage_of_counts(n, np.array([at]), np.array([least]), np.array([most]))
    assert found == pytest.approx(binom.cdf(most, n, at) - binom.cdf(least - 1, n, at))


def test_two_levels_and_two_results_by_hand():
    # Of two uniform numbers at least one is up to 1/2, and both are up to 3/4:
    # both below 1/2, or one there and the other between.
    found = coverage_of_counts(
        2, np.array([0.5, 0.75]), np.array([1, 2]), np.array([2, 2])
    )
    assert found == pytest.approx(0.5 ** 2 + 2 * 0.5 * 0.25)


@given(n=integers(1, 40), trials=integers(1, 60))
def test_bounds_rise_with_the_number_of_trials(n, trials):
    found = rank_band(n, trials, 0.9)
    assert (np.diff(found.least) >= 0).all()
    assert (np.diff(found.most) >= 0).all()
    assert (found.least <= found.most).all()


@given(n=integers(2, 40), trials=integers(1, 40))
def test_more_confidence_never_narrows_a_band(n, trials):
    wide, narrow = rank_band(n, trials, 0.99), rank_band(n, trials, 0.8)
    assert (wide.least <= narrow.least).all()
    assert (wide.most >= narrow.most).all()


def test_no_results_have_no_band():
    with pytest.raises(ScoringError, match="no results"):
        rank_band(0, 1, 0.95)
