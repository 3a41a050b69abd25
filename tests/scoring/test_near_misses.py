"""How near a submission came to a target."""

import math

import pytest
from synthetic_trials import competition, reaching, trial, workload_rules

from mlgolf.core.status import Status
from mlgolf.scoring.leaderboard import score_competition, to_json
from mlgolf.scoring.near_misses import rounded_best

ONE = competition(["digits"])
MAXIMISED = competition({"digits": workload_rules(metric="accuracy", goal="maximise", target=0.9)})
HELD_OUT = competition({
    "digits": workload_rules(), "digits_gelu": workload_rules(held_out_of="digits", target=0.2),
})


def misses(trials, rules=ONE):
    return score_competition(rules, trials, "external").near_misses


def test_the_best_value_within_the_budget_is_told_with_its_second_and_the_target():
    (found,) = misses([
        trial("a", trial=1, seconds=[2, 24, 29, 31], values=[0.5, 0.12, 0.12, 0.05]),
        trial("a", trial=2, seconds=[3], values=[0.4]),
    ]).values()
    assert (found.metric, found.best, found.seconds, found.target) == ("error_rate", 0.12, 24, 0.1)


def test_a_maximised_metric_is_best_where_it_is_largest():
    (found,) = misses(
        [trial("a", seconds=[1, 2], values=[0.8, 0.7], metric="accuracy")], MAXIMISED
    ).values()
    assert (found.best, found.seconds) == (0.8, 1)


def test_only_studies_that_missed_the_target_are_told_of():
    trials = [
        *reaching("a", "digits", [5]), trial("a", study=1, seconds=[9], values=[0.3]),
        trial("a", study=2, seconds=[8], values=[0.4]),
    ]
    (found,) = misses(trials).values()
    assert (found.best, found.studies_missed, found.studies) == (0.3, 2, 3)


def test_a_reached_target_has_no_near_miss():
    assert misses(reaching("a", "digits", [5, 6, math.inf])) == {}


def test_a_held_out_workload_that_was_missed_is_named():
    trials = [
        *reaching("a", "digits", [5]), trial("a", "digits_gelu", seconds=[7], values=[0.25]),
    ]
    ((place, found),) = misses(trials, HELD_OUT).items()
    assert place == ("a", "digits")
    assert (found.workload, found.best, found.target) == ("digits_gelu", 0.25, 0.2)


@pytest.mark.parametrize(
    "tried",
    [
        trial("a"),
        trial("a", seconds=[1], values=[math.nan]),
        trial("a", seconds=[31], values=[0.5]),
        trial("a", seconds=[1], values=[0.05], status=Status.DISQUALIFIED),
    ],
    ids=["no evaluation", "nothing measured", "after the budget", "disqualified"],
)
def test_without_a_value_that_counts_nothing_is_told(tried):
    assert misses([tried]) == {}


def test_of_two_targets_the_one_that_was_missed_is_told_of():
    both = competition(constraints=[
        {"quantity": "validation_metric", "bound": "target"},
        {"quantity": "train_loss", "bound": 1.0},
    ])
    tried = trial("a", seconds=[1], values=[0.05])
    loss = trial("a", seconds=[1, 2], values=[0.05, 0.05])
    loss = type(loss)(**{
        name: getattr(loss, name) for name in loss.__slots__ if name != "metrics"
    }, metrics={**loss.metrics, "train/loss": loss.seconds + 1})
    assert misses([tried], both) == {}  # no training loss was measured
    (found,) = misses([loss], both).values()
    assert (found.metric, found.best, found.seconds) == ("training loss", 2, 1)


def test_it_is_in_the_json():
    record = to_json(score_competition(
        ONE, [trial("a", seconds=[2], values=[0.12])], "external"
    ))
    assert record["near_misses"] == [{
        "submission": "a", "scored_workload": "digits", "workload": "digits",
        "metric": "error_rate", "target": 0.1, "best": 0.12, "seconds": 2.0, "studies_missed": 1,
        "studies": 1,
    }]


def test_a_value_just_short_of_the_target_is_not_rounded_to_it():
    (found,) = misses([trial("a", seconds=[2], values=[0.1000001])]).values()
    assert rounded_best(found) == "0.1000001"
