"""Simultaneous bands of a distribution function: their coverage is exact."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from scipy.stats import kstwo

from mlgolf.analysis.tuning.order_bands import (
    MOST_EQUAL_TAILED,
    band,
    coverage,
    equal_tail,
    kolmogorov,
)
from mlgolf.core.errors import ScoringError


def coverage_of_two(lower, upper):
    """P(l1 <= min <= u1, l2 <= max <= u2) of two uniform numbers, from areas in the unit square."""
    rectangle = (upper[0] - lower[0]) * (upper[1] - lower[1])
    below_the_diagonal = max(0.0, upper[0] - lower[1]) ** 2 / 2
    return 2 * (rectangle - below_the_diagonal)


def test_one_result_has_the_interval_of_a_uniform_number():
    found = band(1, 0.9)
    assert (found.lower[0], found.upper[0]) == pytest.approx((0.05, 0.95))


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
def test_the_band_of_two_results_covers_as_computed_by_hand(confidence):
    tail = equal_tail(2, confidence)
    by_hand = ((1 - math.sqrt(1 - tail / 2), math.sqrt(tail / 2)),
               (1 - math.sqrt(tail / 2), math.sqrt(1 - tail / 2)))  # fmt: skip
    found = band(2, confidence)
    assert np.allclose((found.lower, found.upper), by_hand)
    assert coverage_of_two(*by_hand) == pytest.approx(confidence, abs=1e-9)


@given(n=integers(1, 300), confidence=floats(0.01, 0.999))
def test_the_joint_coverage_is_the_confidence(n, confidence):
    found = band(n, confidence)
    assert coverage(found.lower, found.upper) == pytest.approx(confidence, abs=1e-8)


@given(n=integers(1, 139), height=floats(0.01, 0.99))  # up to where scipy's is exact
def test_bands_of_equal_height_cover_as_the_distribution_of_kolmogorov_and_smirnov(n, height):
    ranks = np.arange(1, n + 1)
    lower, upper = np.clip(ranks / n - height, 0, 1), np.clip((ranks - 1) / n + height, 0, 1)
    assert coverage(lower, upper) == pytest.approx(kstwo.cdf(height, n), abs=1e-10)


def test_a_band_that_no_sample_can_keep_covers_never():
    assert coverage(np.array([0.6, 0.7]), np.array([0.5, 0.9])) == 0.0


def test_a_band_without_bounds_covers_always():
    assert coverage(np.zeros(7), np.ones(7)) == pytest.approx(1.0)


@pytest.mark.parametrize("n", [25, 400])
def test_it_bounds_the_best_of_more_trials_than_a_band_of_equal_height(n):
    assert band(n, 0.95).lower[-1] > kolmogorov(n, 0.95).lower[-1]


@given(n=integers(2, 60), confidence=floats(0.05, 0.95))
def test_it_is_symmetric_and_never_falls(n, confidence):
    found = band(n, confidence)
    assert np.allclose(found.lower, 1 - found.upper[::-1])
    assert (np.diff(found.lower) > 0).all()
    assert (found.lower < found.upper).all()


def test_of_very_many_results_kolmogorovs_band_is_given():
    assert band(MOST_EQUAL_TAILED + 1, 0.95).kind == "kolmogorov"


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_a_confidence_is_a_probability(confidence):
    with pytest.raises(ScoringError, match="confidence"):
        band(5, confidence)


def test_no_results_have_no_band():
    with pytest.raises(ScoringError, match="no results"):
        band(0, 0.95)
