"""What a trial is worth, and which one stands for its study."""

import math

import numpy as np
from synthetic_trials import competition, trial, workload_rules

from mlgolf.core.status import Status
from mlgolf.scoring.admission import admit
from mlgolf.scoring.objective import Reached, group_studies, trial_result

TIME = competition().rules
BEST = competition(
    objective="validation_metric", constraints=[{"quantity": "time", "bound": "budget_seconds"}]
).rules
ERROR = workload_rules()
ACCURACY = workload_rules(metric="accuracy", goal="maximise", target=0.9)


def test_time_to_target_is_the_first_evaluation_that_meets_it():
    run = trial(seconds=[1, 2, 3, 4], values=[0.5, 0.1, 0.2, 0.05])
    assert trial_result(run, TIME, ERROR) == Reached(value=2.0, seconds=2.0)


def test_a_target_first_met_after_the_budget_was_never_reached():
    run = trial(seconds=[10, 31], values=[0.5, 0.1])
    assert trial_result(run, TIME, ERROR) == Reached(value=math.inf, seconds=math.inf)


def test_a_budget_factor_stretches_the_bound_on_time_and_not_the_target():
    run = trial(seconds=[10, 31, 32], values=[0.5, 0.12, 0.1])
    assert trial_result(run, TIME, ERROR, budget_factor=1.5).value == 32


def test_nan_never_meets_a_target():
    run = trial(seconds=[1, 2], values=[math.nan, 0.1])
    assert trial_result(run, TIME, ERROR).value == 2


def test_a_metric_that_was_not_measured_never_meets_a_target():
    run = trial(seconds=[1, 2], values=[0, 0], metric="loss")
    assert not trial_result(run, TIME, ERROR).ever


def test_a_trial_without_evaluations_reached_nothing():
    assert not trial_result(trial(), TIME, ERROR).ever


def test_the_best_metric_within_the_budget_counts_with_the_time_it_was_reached():
    run = trial(seconds=[10, 20, 25, 40], values=[0.5, 0.2, 0.2, 0.1])
    assert trial_result(run, BEST, ERROR) == Reached(value=0.2, seconds=20)


def test_a_maximised_objective_takes_the_largest_value_and_never_is_minus_infinity():
    run = trial(seconds=[10, 20, 40], values=[0.5, 0.8, 0.9], metric="accuracy")
    assert trial_result(run, BEST, ACCURACY) == Reached(value=0.8, seconds=20)
    assert trial_result(trial(), BEST, ACCURACY).value == -math.inf


def test_a_disqualified_trial_reached_nothing_and_a_crashed_one_keeps_what_was_measured():
    measured = {"seconds": [1.0], "values": [0.1]}
    disqualified = trial(status=Status.DISQUALIFIED, **measured)
    assert not trial_result(disqualified, TIME, ERROR).ever
    assert trial_result(trial(status=Status.CRASHED, **measured), TIME, ERROR).value == 1


def test_a_study_is_worth_its_best_trial():
    trials = [
        trial(trial=2, seconds=[5], values=[0.1]),
        trial(trial=1, seconds=[9], values=[0.1]),
        trial(trial=3, seconds=[5], values=[0.1]),
        trial(trial=4, seconds=[1], values=[0.9]),
    ]
    (result,) = admit(competition(), trials, "external").studies
    assert (result.winner.key.trial, result.reached.value) == (2, 5.0)


def test_trials_are_gathered_by_submission_framework_workload_and_study():
    trials = [
        trial("b", study=1), trial("b", trial=2), trial("b"), trial("a"), trial("b", "wmt"),
        trial("b", framework="jax"),
    ]
    found = [
        (s.submission, s.framework, s.workload, s.study, [t.key.trial for t in s.trials])
        for s in group_studies(trials)
    ]
    assert found == [
        ("a", "torch", "digits", 0, [1]),
        ("b", "jax", "digits", 0, [1]),
        ("b", "torch", "digits", 0, [1, 2]),
        ("b", "torch", "digits", 1, [1]),
        ("b", "torch", "wmt", 0, [1]),
    ]


def test_a_constraint_without_a_number_bounds_nothing():
    rules = competition(
        constraints=[
            {"quantity": "steps", "bound": "step_limit"},
            {"quantity": "validation_metric", "bound": 1.0},
        ]
    ).rules
    run = trial(seconds=[3, 4], values=[0.9, 0.9])
    assert trial_result(run, rules, ERROR).value == 3
    assert trial_result(run, rules, workload_rules(step_limit=1)).value == 3
    assert np.isinf(trial_result(trial(), rules, ERROR).value)
