"""The objective value of a trial, and the trial that a study selects."""

import math

import numpy as np
from synthetic_trials import competition, trial, workload_rules

from mlgolf.core.records import Calibration, ClockTotal
from mlgolf.core.status import Status
from mlgolf.scoring.admission import admit
from mlgolf.scoring.objective import TrialResult, trial_result
from mlgolf.scoring.standings import Standings

TIME = competition().rules
BEST = competition(
    objective="validation_metric", constraints=[{"quantity": "time", "bound": "budget_seconds"}]
).rules
ERROR = workload_rules()
ACCURACY = workload_rules(metric="accuracy", goal="maximise", target=0.9)
NEVER = (math.inf, math.inf)


def calibration(speed: float) -> Calibration:
    return Calibration(seconds=1 / speed, spread=0.0, reference_seconds=1.0)


def reached(result: TrialResult) -> tuple[float, float]:
    return result.objective, result.seconds


def test_time_to_target_is_the_first_evaluation_that_meets_it():
    run = trial(seconds=[1, 2, 3, 4], values=[0.5, 0.1, 0.2, 0.05])
    assert reached(trial_result(run, TIME, ERROR)) == (2.0, 2.0)


def test_a_target_first_met_after_the_budget_was_never_reached():
    run = trial(seconds=[10, 31], values=[0.5, 0.1])
    assert reached(trial_result(run, TIME, ERROR)) == NEVER


def test_a_budget_factor_stretches_the_bound_on_time_and_not_the_target():
    run = trial(seconds=[10, 31, 32], values=[0.5, 0.12, 0.1])
    assert trial_result(run, TIME, ERROR, budget_factor=1.5).objective == 32


def test_a_budget_is_in_seconds_of_the_reference_machine():
    slow, fast = (
        trial(
            seconds=[10, 20, 45], values=[0.5, 0.1, 0.1] if speed > 1 else [0.5, 0.5, 0.1],
            header={"calibration": calibration(speed)},
        )
        for speed in (0.5, 2.0)
    )
    assert trial_result(slow, TIME, ERROR).objective == 45  # of 60
    assert reached(trial_result(fast, TIME, ERROR)) == NEVER  # after 15


def test_nan_never_meets_a_target():
    run = trial(seconds=[1, 2], values=[math.nan, 0.1])
    assert trial_result(run, TIME, ERROR).objective == 2


def test_an_infinite_metric_never_meets_a_target():
    run = trial(seconds=[1, 2], values=[math.inf, 0.95], metric="accuracy")
    assert trial_result(run, TIME, ACCURACY).objective == 2


def test_a_metric_that_was_not_measured_never_meets_a_target():
    run = trial(seconds=[1, 2], values=[0, 0], metric="loss")
    assert reached(trial_result(run, TIME, ERROR)) == NEVER


def test_a_trial_without_evaluations_reached_nothing():
    assert reached(trial_result(trial(), TIME, ERROR)) == NEVER


def test_the_best_metric_within_the_budget_counts_with_the_time_it_was_reached():
    run = trial(seconds=[10, 20, 25, 40], values=[0.5, 0.2, 0.2, 0.1])
    assert reached(trial_result(run, BEST, ERROR)) == (0.2, 20)


def test_a_maximised_objective_takes_the_largest_value_negated():
    run = trial(seconds=[10, 20, 40], values=[0.5, 0.8, 0.9], metric="accuracy")
    assert reached(trial_result(run, BEST, ACCURACY)) == (-0.8, 20)
    assert reached(trial_result(trial(), BEST, ACCURACY)) == NEVER


def test_a_disqualified_trial_reached_nothing_and_a_crashed_one_keeps_what_was_measured():
    measured = {"seconds": [1.0], "values": [0.1]}
    disqualified = trial(status=Status.DISQUALIFIED, **measured)
    assert reached(trial_result(disqualified, TIME, ERROR)) == NEVER
    assert trial_result(trial(status=Status.CRASHED, **measured), TIME, ERROR).objective == 1


def test_a_study_counts_its_best_trial():
    trials = [
        trial(trial=2, seconds=[5], values=[0.1]),
        trial(trial=1, seconds=[9], values=[0.1]),
        trial(trial=3, seconds=[5], values=[0.1]),
        trial(trial=4, seconds=[1], values=[0.9]),
    ]
    standings = Standings(competition(), admit(competition(), trials, "external").pool)
    assert standings.chosen[0, 0, 0] + 1 == 2
    assert standings.studies[0, 0, 0] == 5.0


def test_a_constraint_without_a_number_bounds_nothing():
    rules = competition(
        constraints=[
            {"quantity": "steps", "bound": "step_limit"},
            {"quantity": "validation_metric", "bound": 1.0},
        ]
    ).rules
    run = trial(seconds=[3, 4], values=[0.9, 0.9])
    assert trial_result(run, rules, ERROR).objective == 3
    assert trial_result(run, rules, workload_rules(step_limit=1)).objective == 3
    assert np.isinf(trial_result(trial(), rules, ERROR).objective)


def test_what_a_trial_spent_is_what_its_verdict_says_also_where_nothing_was_judged():
    total = ClockTotal(seconds=30.0, cpu=30.0, wall=30.0)
    for seconds in ([], [0.25]):
        run = trial(seconds=seconds, values=[0.5] * len(seconds), header={"total": total})
        assert trial_result(run, TIME, ERROR).spent == 30.0
