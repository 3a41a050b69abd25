"""What it costs to share one point over workloads."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import floats, sampled_from
from numpy.testing import assert_allclose

from mlgolf.analysis.tuning.shared_points import degradation, share_point
from mlgolf.core.errors import ScoringError

INF, NAN = math.inf, math.nan
TIMES = arrays(np.float64, (4, 3), elements=floats(0.125, 1000))


@given(times=TIMES, unit=sampled_from([0.5, 2.0, 1024.0]))
def test_the_degradation_of_times_does_not_depend_on_their_unit(times, unit):
    assert_allclose(degradation(times * unit, "ratio"), degradation(times, "ratio"))


@given(costs=TIMES, unit=sampled_from([0.5, 2.0, 1024.0]))
def test_that_of_other_results_depends_neither_on_unit_nor_on_origin(costs, unit):
    once = degradation(costs, "share_of_spread")
    assert_allclose(degradation(costs * unit, "share_of_spread"), once)
    assert (once >= 0).all()


def test_the_median_point_is_one_spread_from_the_best():
    found = degradation(np.array([[1.0], [3.0], [9.0]]), "share_of_spread")
    assert found.ravel().tolist() == [0.0, 1.0, 4.0]


def test_where_most_points_are_best_the_spread_goes_to_the_worst():
    found = degradation(np.array([[1.0], [1.0], [3.0]]), "share_of_spread")
    assert found.ravel().tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("scale", ["ratio", "share_of_spread"])
def test_equal_points_cost_nothing_and_a_failed_one_everything(scale):
    found = degradation(np.array([[2.0], [2.0], [INF]]), scale).ravel()
    best = 1.0 if scale == "ratio" else 0.0
    assert found.tolist() == [best, best, INF]


def test_a_workload_without_any_result_has_no_degradation():
    assert np.isnan(degradation(np.full((2, 1), INF), "ratio")).all()


def test_the_best_shared_point_has_the_least_geometric_mean():
    times = np.array([[1.0, 4.0], [1.5, 1.5], [3.0, 1.0]])
    found = share_point(times, ["a", "b", "c"], ["x", "y"], "ratio")
    best = found.points[0]
    assert best.point == "b"
    assert best.degradation == {"x": 1.5, "y": 1.5}
    assert (best.mean, best.worst) == (pytest.approx(1.5), 1.5)


def test_mean_and_worst_case_may_choose_different_points():
    times = np.array([[1.0, 1.0, 3.0], [2.0, 2.0, 2.0], [9.0, 9.0, 1.0]])
    found = share_point(times, ["even", "flat", "odd"], ["x", "y", "z"], "ratio")
    assert (found.points[0].point, found.best_worst) == ("even", "flat")


def test_a_point_that_reaches_more_workloads_comes_first():
    times = np.array([[1.0, INF], [50.0, 50.0]])
    found = share_point(times, ["fast", "sure"], ["x", "y"], "ratio")
    assert [point.point for point in found.points] == ["sure", "fast"]
    assert found.points[1].reached == 1


def test_points_that_were_not_run_everywhere_are_left_out_and_still_set_the_best():
    times = np.array([[2.0, 2.0], [1.0, NAN]])
    found = share_point(times, ["both", "one"], ["x", "y"], "ratio")
    assert [point.point for point in found.points] == ["both"]
    assert found.points[0].degradation["x"] == 2.0
    assert found.left_out == ("one",)


def test_a_workload_that_no_point_reached_is_named_and_not_counted():
    found = share_point(np.array([[2.0, INF], [1.0, INF]]), ["a", "b"], ["x", "y"], "ratio")
    assert found.unreached == ("y",)
    assert found.points[0].degradation == {"x": 1.0}


def test_there_is_nothing_to_share_where_no_point_was_run_on_all():
    assert share_point(np.array([[1.0, NAN], [NAN, 1.0]]), ["a", "b"], ["x", "y"], "ratio") is None


def test_times_are_positive():
    with pytest.raises(ScoringError, match="positive"):
        degradation(np.array([[0.0], [1.0]]), "ratio")
