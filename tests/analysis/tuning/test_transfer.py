"""Ranks of points on a workload and its variant."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import permutations
from scipy.stats import kendalltau

from mlgolf.analysis.tuning.transfer import rank_interval, transfer
from mlgolf.core.errors import ScoringError

FIVE = np.array([1.0, 2, 3, 4, 5])


def test_equal_ranks_have_a_correlation_of_one_and_cost_nothing():
    found = transfer(FIVE, FIVE * 7, "ratio")
    assert (found.tau, found.rho) == pytest.approx((1, 1))
    assert (found.same_best, found.loss) == (True, 1.0)
    # Of the 120 orders of five points the same and the opposite one are as far from 0.
    assert found.p_value == pytest.approx(2 / 120)


def test_the_loss_is_that_of_the_best_point_of_the_workload_on_the_variant():
    found = transfer(FIVE, np.array([3.0, 1, 2, 4, 5]), "ratio")
    assert (found.same_best, found.loss) == (False, 3.0)


def test_points_that_are_best_alike_cost_as_one_drawn_at_random():
    assert transfer(np.array([1.0, 1, 2]), np.array([2.0, 4, 2]), "ratio").loss == 1.5


def test_points_without_a_result_are_tied_at_the_end():
    found = transfer(np.array([1.0, 2, math.inf, math.inf]), np.array([1.0, 2, 3, 4]), "ratio")
    assert found.tau == pytest.approx(kendalltau([1, 2, 3, 3], [1, 2, 3, 4]).statistic)


@given(order=permutations(range(6)))
def test_the_exact_p_value_is_that_of_scipy(order):
    costs, other = np.arange(1.0, 7), np.array(order) + 1.0
    found = transfer(costs, other, "ratio")
    assert found.p_value == pytest.approx(kendalltau(costs, other, method="exact").pvalue)


def test_the_p_value_of_many_points_is_drawn_with_a_fixed_seed():
    costs = np.arange(1.0, 31)
    other = np.roll(costs, 3)
    once = transfer(costs, other, "ratio").p_value
    assert once == transfer(costs, other, "ratio").p_value <= 0.001


@given(order=permutations(range(8)))
def test_intervals_hold_the_correlation_and_stay_within_one(order):
    found = transfer(np.arange(1.0, 9), np.array(order) + 1.0, "ratio")
    for value, (low, high) in ((found.tau, found.tau_interval), (found.rho, found.rho_interval)):
        assert -1 - 1e-9 <= low <= value <= high <= 1 + 1e-9


def test_a_perfect_correlation_of_few_points_is_no_single_number():
    low, high = rank_interval(1.0, 5, 0.437, 4, 0.95)
    assert (low < 0.5, high) == (True, 1.0)


def test_below_five_points_there_is_no_interval():
    found = transfer(FIVE[:4], FIVE[:4], "ratio")
    assert (found.tau_interval, found.rho_interval) == (None, None)


def test_one_point_or_no_result_is_nothing_to_compare():
    assert transfer(FIVE[:1], FIVE[:1], "ratio") is None
    assert transfer(FIVE, np.full(5, math.inf), "ratio") is None


def test_equal_points_have_no_correlation():
    assert math.isnan(transfer(FIVE, np.ones(5), "ratio").tau)


def test_points_must_be_the_same():
    with pytest.raises(ScoringError, match="differ"):
        transfer(FIVE, FIVE[:3], "ratio")


def test_of_many_points_the_p_value_is_that_of_the_normal_distribution():
    rng = np.random.default_rng(0)
    own, other = rng.random(1000), rng.random(1000)
    expected = kendalltau(own, other, method="asymptotic").pvalue
    assert transfer(own, other, "ratio").p_value == pytest.approx(expected)


def test_of_as_many_points_as_are_permuted_both_p_values_agree():
    rng = np.random.default_rng(1)
    own = rng.random(50)
    other = own + 2 * rng.random(50)
    found = transfer(own, other, "ratio").p_value
    assert found == pytest.approx(kendalltau(own, other).pvalue, rel=0.2, abs=2e-3)
