"""Which trial stands for a study, and the middle of the studies."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mlgolf.core.rules import Interpretations
from mlgolf.scoring.objective import TrialResult
from mlgolf.scoring.pool import make_pool
from mlgolf.scoring.studies import chosen_trials, median_study, study_values

INF, NAN = math.inf, math.nan


def pool(*trials: tuple[float, float]):
    """One study of trials: (index of the evaluation, seconds)."""
    results = [
        TrialResult(
            submission="a", workload="w", study=0, trial=number, objective=seconds, seconds=seconds,
            choice=seconds, evaluation=evaluation, spent=100.0,
        )
        for number, (evaluation, seconds) in enumerate(trials, start=1)
    ]
    return make_pool(results, ["a"], ["w"], studies=1)


@pytest.mark.parametrize(
    ("interpretations", "chosen"),
    [
        ({"trial": "fastest"}, 2),
        ({"trial": "earliest_evaluation"}, 1),
        ({"trial": "earliest_evaluation", "tie": "slowest"}, 0),
    ],
)
def test_the_interpretations_choose_the_trial(interpretations, chosen):
    field = pool((3, 50.0), (3, 40.0), (4, 30.0), (INF, INF))
    assert chosen_trials(field, Interpretations(**interpretations)).item() == chosen


def test_a_trial_that_is_not_there_stands_for_nothing():
    results = [
        TrialResult(
            submission="a", workload="w", study=1, trial=2, objective=INF, seconds=INF, choice=INF,
            evaluation=INF, spent=9.0,
        )
    ]
    field = make_pool(results, ["a"], ["w", "v"], studies=3)
    chosen = chosen_trials(field, Interpretations())
    assert chosen[0, 0, 1] == 1
    assert_array_equal(study_values(field, field.objective, chosen), [[[NAN, INF, NAN], [NAN] * 3]])


@pytest.mark.parametrize(
    ("objective", "left_out", "never"),
    [
        ([3, 1, 2], 2, 2),
        ([1, INF, 2], 2, 2),
        ([1, INF, INF], INF, INF),
        ([1, 3], 2, 2),
        ([1, INF], INF, INF),
        ([-0.7, -0.9, -0.8], -0.8, -0.8),
        ([1, 3, NAN], 2, 3),
        ([1, NAN, NAN], 1, INF),
        ([NAN, NAN, NAN], NAN, NAN),
    ],
)
def test_the_median_study(objective, left_out, never):
    objective = np.array(objective, dtype=float)
    for interpretation, expected in (("left_out", left_out), ("never", never)):
        rules = Interpretations(missing_studies=interpretation)
        found, _ = median_study(objective, objective, rules)
        assert_array_equal(found, expected)


def test_the_seconds_of_a_median_are_those_of_the_median_study():
    objective, seconds = np.array([[0.3, 0.1, 0.2], [0.2, 0.2, 0.3]]), np.array([[1, 9, 5.0]] * 2)
    found = median_study(objective, seconds, Interpretations())
    assert_array_equal(found, [[0.2, 0.2], [5, 9]])


@pytest.mark.parametrize(("share", "median"), [(0.0, 2.0), (0.6, 2.0), (0.8, INF), (1.0, INF)])
def test_where_too_few_studies_reach_it_none_counts(share, median):
    objective = np.array([1.0, 2.0, INF, 1.5, INF])
    found, _ = median_study(objective, objective, Interpretations(), reached_share=share)
    assert found == median


def test_studies_without_a_trial_are_not_among_those_that_must_reach_it():
    objective = np.array([1.0, NAN, 2.0])
    found, _ = median_study(objective, objective, Interpretations(), reached_share=1.0)
    assert found == 1.5
