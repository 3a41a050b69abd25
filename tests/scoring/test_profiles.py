"""Ratios, profiles and their areas, against tables worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from hypothesis.strategies import floats, just, sampled_from
from numpy.testing import assert_allclose, assert_array_equal

from mlgolf.core.errors import ScoringError
from mlgolf.scoring.profiles import (
    geometric_mean_ratio,
    performance_profile,
    profile_area,
    ratios_to_best,
)

INF = math.inf

# Two workloads, tau_max 4. Ratios: a 1 and 2, b 2.5 and 1, c inf and 5.
TIMES = np.array([[10.0, 8.0], [25.0, 4.0], [INF, 20.0]])

tables = arrays(
    float,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=floats(0.01, 1e4) | just(INF),
)


def test_ratios_are_to_the_fastest_on_each_workload():
    assert_array_equal(ratios_to_best(TIMES), [[1, 2], [2.5, 1], [INF, 5]])


def test_a_workload_that_nobody_solved_is_infinitely_far_for_everybody():
    assert_array_equal(ratios_to_best(np.array([[INF], [INF]])), [[INF], [INF]])


def test_a_best_of_zero_is_at_ratio_one_and_all_else_at_infinity():
    assert_array_equal(ratios_to_best(np.array([[0.0], [0.0], [0.1]])), [[1], [1], [INF]])


def test_a_profile_counts_the_workloads_within_tau():
    taus = np.array([1, 2, 2.5, 4])
    expected = [[0.5, 1, 1, 1], [0.5, 0.5, 1, 1], [0, 0, 0, 0]]
    assert_array_equal(performance_profile(TIMES, taus), expected)


def test_the_area_is_the_exact_integral_of_the_steps():
    # a: (3 + 2) / 2 workloads / 3; b: (1.5 + 3) / 2 / 3; c: 5 is past tau_max.
    assert_allclose(profile_area(TIMES, 4.0), [5 / 6, 0.75, 0], rtol=1e-15)


def test_the_geometric_mean_caps_what_was_not_reached_at_tau_max():
    expected = [2**-0.5, 2.5**-0.5, 1 / 4]
    assert_allclose(geometric_mean_ratio(TIMES, 4.0), expected, rtol=1e-15)


@pytest.mark.parametrize("wrong", [math.nan, -1.0])
def test_a_time_that_is_nan_or_negative_is_refused(wrong):
    with pytest.raises(ScoringError, match=str(wrong)):
        ratios_to_best(np.array([[1.0], [wrong]]))


@given(times=tables, unit=sampled_from([0.5, 2.0, 1024.0]))  # powers of two: exact
def test_a_profile_does_not_depend_on_the_unit_of_time(times, unit):
    taus = np.linspace(1, 4, 31)
    assert_array_equal(performance_profile(times * unit, taus), performance_profile(times, taus))


@given(times=tables)
def test_the_area_is_that_under_the_profile(times):
    ratios = ratios_to_best(times)
    edges = np.unique(np.concatenate([[1.0, 4.0], ratios[ratios < 4]]))
    heights = performance_profile(times, edges[:-1])
    assert_allclose(profile_area(times, 4.0), heights @ np.diff(edges) / 3, atol=1e-12)


@pytest.mark.parametrize("score", [profile_area, geometric_mean_ratio])
@given(times=tables, slower=floats(1, 10))
def test_ones_own_score_never_rises_when_ones_own_time_rises(score, times, slower):
    delayed = times.copy()
    delayed[0, 0] *= slower
    assert score(delayed, 4.0)[0] <= score(times, 4.0)[0] + 1e-12


@pytest.mark.parametrize("score", [profile_area, geometric_mean_ratio])
@given(times=tables)
def test_scores_lie_between_zero_and_one(score, times):
    assert ((score(times, 4.0) >= 0) & (score(times, 4.0) <= 1)).all()
