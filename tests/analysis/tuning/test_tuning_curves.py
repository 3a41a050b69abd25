"""The best of k trials, and bounds that hold at all k."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists, sampled_from
from numpy.testing import assert_allclose, assert_array_equal

from mlgolf.analysis.tuning.curves import separations, tuning_curve
from mlgolf.analysis.tuning.rank_bands import rank_band
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal

VALUES = lists(floats(-100, 100).map(lambda value: round(value, 3)), min_size=1, max_size=30)
GOALS = sampled_from([*Goal])
UP, DOWN = Goal.MAXIMISE, Goal.MINIMISE


def better_or_equal(values, others, goal):
    return goal.sign * values <= goal.sign * others


@given(values=VALUES, goal=GOALS)
def test_curve_and_bounds_never_get_worse_with_trials(values, goal):
    curve = tuning_curve(np.array(values), goal, trials=60)
    for part in (curve.best, curve.lower, curve.upper):
        assert better_or_equal(part[1:], part[:-1], goal).all()


@given(values=VALUES, goal=GOALS)
def test_the_curve_is_within_its_band(values, goal):
    curve = tuning_curve(np.array(values), goal, confidence=0.5, trials=60)
    assert (curve.lower <= curve.best).all()
    assert (curve.best <= curve.upper).all()


@given(values=VALUES, goal=GOALS)
def test_the_median_goes_along_with_any_increasing_change_of_scale(values, goal):
    plain = tuning_curve(np.array(values), goal)
    changed = tuning_curve(np.arctan(np.array(values) / 50), goal)
    for name in ("best", "lower", "upper"):
        assert_allclose(getattr(changed, name), scaled(getattr(plain, name)))


def scaled(part):
    return np.where(np.isfinite(part), np.arctan(part / 50), part)


@given(values=VALUES)
def test_to_minimise_is_to_maximise_the_negative(values):
    down, up = tuning_curve(np.array(values), DOWN), tuning_curve(-np.array(values), UP)
    assert_array_equal(down.best, -up.best)
    assert_array_equal(down.lower, -up.upper)
    assert_array_equal(down.upper, -up.lower)


@given(values=VALUES, goal=GOALS)
def test_the_order_of_the_results_does_not_matter(values, goal):
    forth = tuning_curve(np.array(values), goal)
    back = tuning_curve(np.array(values[::-1]), goal)
    assert_array_equal(forth.best, back.best)


def test_the_median_best_of_four_results_by_hand():
    # F is 1/4, 1/2, 3/4, 1; the median of F^k is the first value at which F reaches 0.5^(1/k):
    # 0.5, 0.707, 0.794, 0.841.
    assert tuning_curve(np.array([1.0, 2, 3, 4]), UP).best.tolist() == [2, 3, 4, 4]


def test_the_mean_best_of_two_results_by_hand():
    # Drawn with replacement, the better one of two results is among k trials but in 1 of 2^k cases.
    best = tuning_curve(np.array([0.0, 1.0]), UP, statistic="mean", trials=3).best
    assert best.tolist() == [0.5, 0.75, 0.875]


def test_bounds_of_the_mean_of_one_result_by_hand():
    # F at the result is in [0.05, 0.95] with confidence 0.9, and nothing else is known of it.
    curve = tuning_curve(
        np.array([0.5]), UP, statistic="mean", confidence=0.9, trials=2, bounds=(0.0, 1.0)
    )
    assert_allclose(curve.lower, [0.05 * 0.5, (1 - 0.95 ** 2) * 0.5])
    assert_allclose(curve.upper, [0.05 * 0.5 + 0.95, 0.05 ** 2 * 0.5 + 1 - 0.05 ** 2])


def test_a_mean_is_not_bounded_unless_its_metric_is():
    curve = tuning_curve(np.array([0.2, 0.5]), UP, statistic="mean")
    assert not np.isfinite(curve.lower).any()
    assert not np.isfinite(curve.upper).any()


def test_few_results_do_not_bound_the_best_of_many_trials():
    curve = tuning_curve(np.linspace(0, 1, 10), UP)
    assert math.isinf(curve.upper[-1])
    assert math.isfinite(curve.lower[-1])
    bounded = tuning_curve(np.linspace(0, 1, 10), UP, bounds=(0.0, 1.0))
    assert bounded.upper[-1] == 1.0


def test_a_trial_without_a_result_counts_as_the_worst():
    failed = tuning_curve(np.array([1.0, math.nan, math.inf, 3.0]), DOWN)
    assert failed.best.tolist() == [math.inf, 3.0, 1.0, 1.0]
    assert (failed.results, failed.failed) == (4, 2)


def test_the_other_infinity_is_no_result():
    with pytest.raises(ScoringError, match="-inf"):
        tuning_curve(np.array([1.0, -math.inf]), DOWN)


def test_trials_without_a_result_have_no_mean_unless_a_bound_says_what_they_count_as():
    with pytest.raises(ScoringError, match="median"):
        tuning_curve(np.array([1.0, math.nan]), UP, statistic="mean")
    curve = tuning_curve(
        np.array([1.0, math.nan]), UP, statistic="mean", trials=1, bounds=(0.0, math.inf)
    )
    assert curve.best.tolist() == [0.5]


def test_results_beyond_the_bounds_are_refused():
    with pytest.raises(ScoringError, match="bounds"):
        tuning_curve(np.array([0.5, 1.5]), UP, bounds=(0.0, 1.0))


@pytest.mark.parametrize("goal", [UP, DOWN])
def test_one_trial_has_the_classical_interval_of_the_median(goal):
    # Of ten results, the second and the ninth: P(2 <= Bin(10, 1/2) <= 8) = 0.979.
    curve = tuning_curve(np.arange(1.0, 11), goal, trials=1)
    assert (curve.lower[0], curve.upper[0]) == (2.0, 9.0)


@pytest.mark.parametrize("draw", ["continuous", "discrete"])
def test_bands_hold_at_all_numbers_of_trials_as_often_as_they_say(draw):
    rng, n, ks = np.random.default_rng(1), 12, np.arange(1, 49)
    true = 0.5 ** (1 / ks)
    true = np.floor(4 * true) if draw == "discrete" else true
    held = 0
    for _ in range(1500):
        values = rng.random(n)
        values = np.floor(4 * values) if draw == "discrete" else values
        curve = tuning_curve(values, UP, confidence=0.8, trials=48)
        held += bool(((curve.lower <= true) & (true <= curve.upper)).all())
    # The standard error is 0.01. Ranks are whole numbers, and ties make it hold more often.
    assert held / 1500 > 0.77
    if draw == "continuous":
        assert held / 1500 == pytest.approx(rank_band(n, 48, 0.8).coverage, abs=0.03)


def test_methods_far_apart_separate_and_the_better_one_is_named():
    curves = {
        "good": tuning_curve(np.linspace(10, 11, 30), UP),
        "bad": tuning_curve(np.linspace(0, 1, 20), UP),
    }
    (found,) = separations(curves)
    assert (found.better, found.worse) == ("good", "bad")
    assert found.trials[0] == 1
    assert set(found.trials) <= set(range(1, 21))  # equal numbers of trials


def test_to_minimise_the_lower_one_is_the_better():
    curves = {
        "high": tuning_curve(np.linspace(10, 11, 30), DOWN),
        "low": tuning_curve(np.linspace(0, 1, 30), DOWN),
    }
    assert {(pair.better, pair.worse) for pair in separations(curves)} == {("low", "high")}


def test_equal_methods_do_not_separate():
    curve = tuning_curve(np.linspace(0, 1, 30), UP)
    assert separations({"one": curve, "other": curve}) == []
