import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.core.target import Goal

QUALITIES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


def curve(qualities, goal=Goal.MAXIMISE, interpolation="pchip"):
    points = [
        Point("a", np.array([2.0**budget]), np.array([quality]))
        for budget, quality in enumerate(qualities)
    ]
    return MonotoneCurve(points, goal, interpolation)


@given(QUALITIES, st.sampled_from(["pchip", "log-linear"]))
def test_a_longer_budget_is_never_worse(qualities, interpolation):
    assert (np.diff(curve(qualities, interpolation=interpolation).on_grid) >= -1e-12).all()


@given(QUALITIES)
def test_nothing_lies_beyond_what_was_measured(qualities):
    found = curve(qualities)
    assert found.on_grid.min() >= min(qualities) - 1e-9
    assert found.on_grid.max() <= max(qualities) + 1e-9


@given(st.lists(st.floats(0, 1), min_size=3, max_size=8, unique=True).map(sorted))
def test_the_time_of_a_value_gives_the_value(qualities):
    found = curve(qualities)
    value = (found.values[0] + found.values[-1]) / 2
    assert found.at(found.log_time_of(value)) == pytest.approx(value, abs=1e-9)


@given(QUALITIES)
def test_a_loss_that_falls_is_the_mirror_of_a_score_that_rises(qualities):
    falling = curve([-quality for quality in qualities], Goal.MINIMISE)
    np.testing.assert_array_equal(falling.on_grid, curve(qualities).on_grid)


def test_there_is_nothing_before_the_shortest_and_behind_the_longest_budget():
    found = curve([0.1, 0.5, 0.6])
    assert np.isnan([found.at(-0.1), found.at(np.log(4) + 0.1)]).all()
    assert np.isnan([found.log_time_of(0.09), found.log_time_of(0.61)]).all()


def test_neighbours_that_fall_are_pooled_by_the_number_of_their_runs():
    points = [
        Point("a", np.ones(1), np.array([0.0])), Point("a", np.full(3, 2.0), np.full(3, 0.8)),
        Point("a", np.full(1, 4.0), np.array([0.4])),
    ]
    found = MonotoneCurve(points, Goal.MAXIMISE)
    assert found.values == pytest.approx([0.0, 0.7, 0.7])
    assert found.moved == pytest.approx(0.3)


def test_weights_say_how_the_curve_moves_with_a_mean():
    found, higher = curve([0.1, 0.4, 0.6]), curve([0.1, 0.41, 0.6])
    moved = found.on_grid + 0.01 * found.weights[:, 1]
    np.testing.assert_allclose(moved, higher.on_grid, atol=2e-4)


def test_log_linear_halfway_in_log_time_is_halfway_in_quality():
    found = curve([0.2, 0.6], interpolation="log-linear")
    assert found.at(np.log(2) / 2) == pytest.approx(0.4)


@given(QUALITIES)
def test_the_smoother_curve_agrees_at_the_budgets_and_stays_between_them(qualities):
    found = curve(qualities)
    smoother = found.smoother_on_grid
    assert smoother[::64] == pytest.approx(found.values)
    assert (np.diff(smoother) >= 0).all()
    assert smoother.min() >= found.values[0]
    assert smoother.max() <= found.values[-1]


def test_an_end_is_as_steep_as_its_whole_step_where_interpolation_is_flat_there():
    found = curve([0.0, 0.0, 0.1, 0.5])
    assert found.steepest_at_end(0) == 0
    assert found.steepest_at_end(-1) >= 0.4 / np.log(2)
