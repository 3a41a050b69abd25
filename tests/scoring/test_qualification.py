"""The verdict of one trial, its margins, and what it is told to change."""

import json
import math

import numpy as np
import pytest
from one_workload import BUDGET, SMALLEST, run
from synthetic_trials import competition, trial, workload_rules

from mlgolf.core.status import RunVerdict, Status
from mlgolf.scoring.qualification import Qualification, qualification, qualified_runs

ROW = SMALLEST.workloads["digits"]
UNFIT = {"l2": [1.0, 2.0, 3.0], "loss": [0.5, 0.02, 0.3]}


def judged(played, rules=SMALLEST) -> Qualification:
    found = qualification(played, rules.rules, rules.workloads["digits"])
    assert found is not None
    return found


def margins(found: Qualification) -> dict[str, float]:
    return {margin.quantity: margin.value for margin in found.margins}


def test_the_best_model_that_keeps_all_bounds_qualifies_a_run_with_its_margins():
    found = judged(run(l2=[3.0, 5.0, 4.0], loss=[1.0, 0.008, 0.009]))
    assert (found.verdict, found.value, found.seconds) == (RunVerdict.QUALIFIED, 4.0, 3.0)
    assert margins(found) == {"train_loss": 0.009, "train_loss_max": 0.005, "time": 3.0}
    assert (found.valid, found.models, found.to_change) == (2, 3, "")


@pytest.mark.parametrize(
    "status", [Status.OUT_OF_TIME, Status.CRASHED, Status.HUNG, Status.OUT_OF_MEMORY]
)
def test_what_was_judged_before_the_end_counts_however_it_ended(status):
    found = judged(run(l2=[3.0], status=status, reason="how it ended"))
    assert (found.verdict, found.reason) == (RunVerdict.QUALIFIED, "how it ended")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.FINISHED, RunVerdict.NOT_QUALIFIED),
        (Status.OUT_OF_TIME, RunVerdict.OUT_OF_TIME),
        (Status.CRASHED, RunVerdict.CRASHED),
        (Status.HUNG, RunVerdict.CRASHED),
        (Status.OUT_OF_MEMORY, RunVerdict.CRASHED),
        (Status.DISQUALIFIED, RunVerdict.DISQUALIFIED),
    ],
)
@pytest.mark.parametrize("models", [{}, UNFIT], ids=["none judged", "none fits"])
def test_without_a_valid_model_the_verdict_is_how_it_ended_and_what_to_change_is_said(
    status, verdict, models
):
    found = judged(run(**models, status=status))
    assert (found.verdict, found.value) == (verdict, None)
    assert found.to_change


def test_who_broke_the_contract_is_refused_unless_a_valid_model_was_judged_before():
    broke = {"status": Status.CRASHED, "header": {"broke_contract": True}}
    assert judged(run(**UNFIT, **broke)).verdict is RunVerdict.REFUSED
    assert judged(run(l2=[3.0], **broke)).verdict is RunVerdict.QUALIFIED


def test_a_valid_model_of_one_who_was_disqualified_is_not_believed():
    assert judged(run(l2=[3.0], status=Status.DISQUALIFIED)).value is None


@pytest.mark.parametrize("status", [None, Status.INTERRUPTED, Status.KILLED])
def test_a_trial_that_something_outside_cut_short_has_no_verdict(status):
    played = run(l2=[3.0], status=status)
    assert qualification(played, SMALLEST.rules, ROW) is None
    assert qualified_runs(SMALLEST, [played], "self") == ()


def test_where_none_qualifies_the_margins_are_those_of_the_nearest_model():
    found = judged(run(**UNFIT))
    assert margins(found)["train_loss"] == 0.02
    assert [m.met for m in found.margins] == [False, True, True]
    assert found.seconds == 2.0


def test_the_advice_names_the_bound_the_best_value_and_how_many_models_met_the_others():
    found = judged(run(l2=[1.0, 2.0], loss=[0.009, 0.02], worst=[0.23, 0.5]))
    assert found.to_change == (
        "train_loss_max is 0.23 at best, at most 0.1 nats is asked: lower the penalty or train "
        "longer; 1 of 2 models met train_loss"
    )


def test_bounds_that_are_each_kept_but_never_at_once_are_told_so():
    found = judged(run(l2=[1.0, 2.0], loss=[0.009, 0.05], worst=[0.5, 0.05]))
    assert found.to_change.startswith("no model keeps all bounds at once: in the nearest ")


def test_a_best_value_is_not_rounded_onto_its_bound():
    found = judged(run(l2=[1.0], loss=[0.010002]))
    assert "train_loss is 0.010002 at best, at most 0.01 nats" in found.to_change


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_qualifies_nothing_and_is_told_so(value):
    found = judged(run(l2=[1.0], loss=[value]))
    assert found.verdict is RunVerdict.NOT_QUALIFIED
    assert "train_loss is never a finite number" in found.to_change
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["margins"][0]["value"] is None


def test_an_objective_that_is_not_finite_qualifies_nothing():
    found = judged(run(l2=[math.nan]))
    assert found.verdict is RunVerdict.NOT_QUALIFIED
    assert "L2 norm" in found.to_change


def test_a_model_after_the_deadline_does_not_qualify():
    played = run(l2=[3.0], seconds=np.array([BUDGET + 1]), status=Status.OUT_OF_TIME)
    assert judged(played).verdict is RunVerdict.OUT_OF_TIME


def test_the_bound_on_time_is_of_the_machine_that_ran_it():
    fast = {"calibration": {"seconds": 1.0, "spread": 0.0, "reference_seconds": 2.0}}
    found = judged(run(l2=[3.0], header=fast))
    assert found.margins[-1].bound == BUDGET / 2


def test_a_bound_below_which_a_value_must_not_fall_is_met_above_it():
    rules = competition(
        {"digits": workload_rules(metric="accuracy", goal="maximise", target=0.9)},
        objective="time",
    )
    found = judged(trial(seconds=[1, 2], values=[0.5, 0.95], metric="accuracy"), rules)
    assert (found.verdict, found.value) == (RunVerdict.QUALIFIED, 2.0)
    assert "at least 0.9" in judged(trial(seconds=[1], values=[0.5], metric="accuracy"),
                                    rules).to_change


def test_runs_come_by_key_with_their_seeds_under_rules_of_one_trial_a_study():
    found = qualified_runs(SMALLEST, [run("b", 1, l2=[3.0]), run("a", 0, l2=[4.0])], "self")
    assert [(r.key.submission, r.seed, r.result.value) for r in found] == [
        ("a", 0, 4.0), ("b", 1, 3.0),
    ]


def test_rules_that_choose_among_trials_give_single_ones_no_verdict():
    rules = competition()
    assert qualified_runs(rules, [trial(seconds=[1], values=[0.1])], "external") == ()
    assert len(qualified_runs(rules, [trial(seconds=[1], values=[0.1])], "self")) == 1
