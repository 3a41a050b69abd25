"""Choosing trials for quality or for time."""

import math

import numpy as np
import pytest

from mlgolf.analysis.tuning.choices import compare_choices

INF = math.inf


def test_where_both_choose_the_same_trial_nothing_is_lost():
    found = compare_choices(np.array([[1.0, 2]]), np.array([[10.0, 20]]))
    assert (found.differ, found.never, found.time_factor, found.quality_lost) == (0, 0, 1.0, 0.0)


def test_the_cost_is_the_ratio_of_times_and_the_difference_of_qualities():
    found = compare_choices(np.array([[1.0, 3], [1, 2]]), np.array([[40.0, 10], [10, 20]]))
    assert (found.studies, found.differ) == (2, 1)
    assert found.time_factor == pytest.approx(2.0)  # the geometric mean of 4 and 1
    assert found.quality_lost == 1.0  # the median of 2 and 0


def test_a_choice_that_never_reaches_the_target_is_counted_apart():
    found = compare_choices(np.array([[1.0, 3]]), np.array([[INF, 10.0]]))
    assert (found.never, math.isnan(found.time_factor)) == (1, True)


def test_studies_in_which_nobody_reached_the_target_do_not_count():
    found = compare_choices(np.array([[1.0, 3], [1, 2]]), np.array([[INF, INF], [1.0, 2]]))
    assert found.studies == 1


def test_of_equal_quality_the_faster_is_chosen():
    found = compare_choices(np.array([[1.0, 1.0]]), np.array([[20.0, 10.0]]))
    assert found.differ == 0
