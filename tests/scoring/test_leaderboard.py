"""Leaderboards: small ones worked out by hand, and what holds for all."""

import json
import math
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis.strategies import composite, floats, lists, permutations, sampled_from
from synthetic_trials import competition, reaching, trial, workload_rules

from mlgolf.core.errors import ScoringError
from mlgolf.core.status import Outcome, Status
from mlgolf.scoring.leaderboard import score_competition, to_json

INF = math.inf
TWO = competition(["digits", "wmt"])
BEST = {
    "objective": "validation_metric",
    "constraints": [{"quantity": "time", "bound": "budget_seconds"}],
}


def board(trials, rules=TWO, ruleset="external", framework=None):
    return score_competition(rules, trials, ruleset, framework)


def entries(trials, rules=TWO):
    return {entry.submission: entry for entry in board(trials, rules).entries}


def by_hand():
    """Medians in seconds: lion 4 and 6, sgd 10 and never, adam 20 and 3, sam - and 6."""
    return [
        *reaching("lion", "digits", [4, 3, 9]), *reaching("lion", "wmt", [6, 6, 6]),
        *reaching("sgd", "digits", [10, 10, 10]), *reaching("sgd", "wmt", [3, INF, INF]),
        *reaching("adam", "digits", [20, 20, 25]), *reaching("adam", "wmt", [3, 3, INF]),
        *reaching("sam", "wmt", [6, 6]),
    ]


def test_a_small_board_is_what_it_is_by_hand():
    found = entries(by_hand())
    # Areas: each workload gives (4 - ratio) / 3, or 0; the mean over two workloads.
    assert found["lion"].score == pytest.approx((3 + 2) / 6)  # ratios 1 and 2
    assert found["adam"].score == pytest.approx((0 + 3) / 6)  # ratios 5 and 1
    assert found["sam"].score == pytest.approx((0 + 2) / 6)  # no data, and 2
    assert found["sgd"].score == pytest.approx((1.5 + 0) / 6)  # ratios 2.5 and never
    assert [found[s].rank for s in ("lion", "adam", "sam", "sgd")] == [1, 2, 3, 4]


def test_cells_say_what_became_of_each_workload():
    found = entries(by_hand())
    cells = {s: [c.outcome for c in entry.cells.values()] for s, entry in found.items()}
    assert cells == {
        "lion": [Outcome.SCORED, Outcome.SCORED],
        "adam": [Outcome.SLOWER_THAN_4X_BEST, Outcome.SCORED],
        "sam": [Outcome.NO_DATA, Outcome.SCORED],
        "sgd": [Outcome.SCORED, Outcome.TARGET_NOT_REACHED],
    }
    adam = found["adam"].cells["digits"]
    assert (adam.seconds, adam.value, adam.ratio) == (20, 20, 5)


def test_the_geometric_mean_ranks_by_the_same_cells():
    rules = competition(["digits", "wmt"], aggregation={"workloads": "geometric_mean_ratio"})
    found = entries(by_hand(), rules)
    assert found["lion"].score == pytest.approx((1 * 2) ** -0.5)
    assert found["sgd"].score == pytest.approx((2.5 * 4) ** -0.5)


def test_equal_scores_share_a_rank_and_the_next_rank_is_skipped():
    rules = competition(["digits"])
    trials = [t for s, time in [("a", 5), ("c", 3), ("b", 5), ("d", 9)]
              for t in reaching(s, "digits", [time])]
    ranks = [(e.submission, e.rank) for e in board(trials, rules).entries]
    assert ranks == [("c", 1), ("a", 2), ("b", 2), ("d", 4)]


def test_a_minimised_metric_is_scored_by_the_same_rule_as_time():
    rules = competition(["digits"], **BEST)
    found = entries(
        [trial("a", seconds=[10, 31], values=[0.2, 0.01]), trial("b", seconds=[5], values=[0.3])],
        rules,
    )
    cell = found["b"].cells["digits"]
    assert (cell.value, cell.seconds, cell.ratio) == (0.3, 5, pytest.approx(1.5))


def test_a_maximised_metric_enters_ratios_as_its_reciprocal():
    rules = competition({"digits": workload_rules(metric="accuracy", goal="maximise")}, **BEST)
    found = entries(
        [
            trial("a", seconds=[10], values=[0.8], metric="accuracy"),
            trial("b", seconds=[10], values=[0.4], metric="accuracy"),
            trial("c", seconds=[10], values=[0.0], metric="accuracy"),
            trial("d", seconds=[31], values=[0.9], metric="accuracy"),
        ],
        rules,
    )
    ratios = {s: entry.cells["digits"].ratio for s, entry in found.items()}
    assert ratios == {"a": 1, "b": 2, "c": INF, "d": INF}
    assert found["c"].cells["digits"].outcome is Outcome.SLOWER_THAN_4X_BEST
    assert found["d"].cells["digits"].outcome is Outcome.TARGET_NOT_REACHED


def test_a_negative_objective_cannot_be_scored_by_ratios():
    with pytest.raises(ScoringError, match=r"a on digits: the objective is -0\.5"):
        board([trial("a", seconds=[1], values=[-0.5])], competition(["digits"], **BEST))


def test_what_is_left_out_is_counted_and_said():
    measured = {"seconds": [1.0], "values": [0.1]}
    found = board([
        *reaching("a", "digits", [5, 5, 5]), *reaching("a", "wmt", [5, 5, 5]),
        trial("a", trial=2, status=None, **measured),
        trial("a", trial=3, status=Status.INTERRUPTED, **measured),
        trial("a", trial=4, unofficial="shared", **measured),
        trial("a", trial=5, unofficial="shared", **measured),
        trial("a", trial=6, **measured),
        trial("a", "ogbg", **measured),
        trial("a", study=10**12, **measured),
        trial("a", study=3, header={"ruleset": "self"}, **measured),
    ])
    assert found.notes == (
        "1 trial left out: beyond the 5 trials a study that the rules allow",
        "1 trial left out: interrupted, to be repeated with --resume",
        "1 trial left out: no verdict yet",
        "1 trial left out: not played under external tuning",
        "1 trial left out: of a study whose number is not below 1000",
        "1 trial left out: on workloads that tiny does not have",
        "2 trials left out: unofficial (shared)",
        "a: 24 trials missing of those that the rules ask for: digits 12, wmt 12",
    )
    assert found.entries[0].cells["digits"].value == 5


def test_practice_does_not_stand_beside_official_trials():
    known = {"header": {"held_out": "practice"}}
    official, practice = reaching("a", "digits", [5] * 3), reaching("b", "digits", [1] * 3, **known)
    found = board([*official, *practice])
    assert [entry.submission for entry in found.entries if entry.score > 0] == ["a"]
    said = "3 trials left out: practice, on held-out data that a submission could know"
    assert said in found.notes
    alone = board(practice)
    assert [entry.submission for entry in alone.entries if entry.score > 0] == ["b"]


def test_missing_studies_are_said():
    found = board(by_hand())
    assert found.notes == (
        "sam: fewer than the 3 studies that the rules ask for on 2 workloads: digits, wmt",
        "adam, lion, sgd each: 24 trials missing of those that the rules ask for: digits 12, wmt "
        "12",
        "sam: 28 trials missing of those that the rules ask for: digits 15, wmt 13",
    )


def test_more_studies_than_the_rules_ask_for_are_said():
    notes = board(reaching("a", "digits", [5] * 4)).notes
    assert "a: more than the 3 studies that the rules ask for on 1 workload: digits" in notes


def test_a_submission_without_a_trial_that_counts_stands_on_the_board_with_no_data():
    (entry,) = board([trial("a", seconds=[1], values=[0.1], status=None)]).entries
    assert (entry.score, entry.rank, entry.interval) == (0, 1, None)
    assert {cell.outcome for cell in entry.cells.values()} == {Outcome.NO_DATA}


def test_no_trials_give_an_empty_board():
    assert to_json(board([])) == {
        "competition": "tiny", "tuning": "external", "framework": None, "quantity": "time",
        "unofficial": [], "practice": False, "claimed": [], "notes": [], "leaderboard": [],
        "near_misses": [],
    }


def test_mixed_frameworks_are_refused_until_one_is_picked():
    trials = [*reaching("a", "digits", [5]), *reaching("a", "digits", [4], framework="jax")]
    with pytest.raises(ScoringError, match=r"jax and torch.*--framework jax\|torch"):
        board(trials)
    picked = board(trials, framework="jax")
    assert (picked.framework, picked.entries[0].cells["digits"].value) == ("jax", 4)


def test_a_trial_given_twice_is_refused():
    with pytest.raises(ScoringError, match="sgd/study_0/digits_torch/trial_1 is given twice"):
        board([trial(), trial()])


def test_self_tuning_plays_one_trial_under_a_longer_budget():
    late = trial("a", seconds=[40], values=[0.1])
    second = trial("a", trial=2, seconds=[5], values=[0.1])
    (entry,) = board([late, second], ruleset="self").entries
    assert entry.cells["digits"].value == 40


def test_the_json_form_has_null_for_what_was_never_reached():
    record = json.loads(json.dumps(to_json(board(by_hand())), allow_nan=False))
    assert list(record) == [
        "competition", "tuning", "framework", "quantity", "unofficial", "practice", "claimed",
        "notes", "leaderboard", "near_misses",
    ]
    last = record["leaderboard"][3]
    assert last["submission"] == "sgd"
    assert last["workloads"]["wmt"] == {
        "time": None, "value": None, "ratio": None, "outcome": "target_not_reached",
    }
    assert last["workloads"]["digits"] == {
        "time": 10, "value": 10, "ratio": 2.5, "outcome": "scored",
    }


def twice(trials):
    """Each study with a second trial that ended as the first did."""
    second = [replace(t, key=replace(t.key, trial=2)) for t in trials]
    return [*trials, *second]


def test_an_interval_needs_three_studies_of_several_trials_wherever_there_is_data():
    found = entries(twice(by_hand()))
    assert found["sam"].interval is None
    assert found["lion"].interval is not None
    assert entries(by_hand())["lion"].interval is None  # one trial a study: too few


def test_an_interval_of_equal_studies_is_a_point_and_the_same_every_time():
    trials = [*reaching("a", "digits", [5, 5, 5]), *reaching("b", "digits", [10, 10, 10])]
    rules = competition(["digits"])
    found = entries(twice(trials), rules)
    assert found["b"].interval == pytest.approx((2 / 3, 2 / 3))
    assert board(twice(by_hand())) == board(twice(by_hand()))


def test_an_interval_widens_when_studies_differ():
    trials = [*reaching("a", "digits", [5, 5, 5]), *reaching("b", "digits", [5, 10, 20])]
    low, high = entries(twice(trials), competition(["digits"]))["b"].interval
    assert low < 0.4
    assert high > 0.9


def test_the_range_of_studies_is_that_of_boards_of_one_study():
    trials = [*reaching("a", "digits", [5, 5, 5]), *reaching("b", "digits", [5, 10, 20])]
    found = entries(trials, competition(["digits"]))
    assert found["b"].range_of_studies == pytest.approx((0, 1))
    assert found["a"].range_of_studies == pytest.approx((1, 1))


def test_a_study_that_somebody_lacks_is_not_in_the_range():
    trials = [*reaching("a", "digits", [5, 5]), *reaching("b", "digits", [10, 10, 5])]
    found = entries(trials, competition(["digits"]))
    assert found["b"].range_of_studies == pytest.approx((2 / 3, 2 / 3))
    assert found["a"].range_of_studies == pytest.approx((1, 1))


def test_who_cannot_be_told_from_another_shares_a_rank_group():
    trials = [
        *reaching("clear", "digits", [5, 5, 5]), *reaching("near", "digits", [10, 10.1, 10.2]),
        *reaching("close", "digits", [10.2, 10, 10.1]), *reaching("far", "digits", [20, 20, 20]),
    ]
    found = entries(twice(trials), competition(["digits"]))
    groups = {name: entry.rank_group for name, entry in found.items()}
    assert groups == {"clear": 1, "near": 2, "close": 2, "far": 4}


times = floats(0.25, 30) | sampled_from([INF])


@composite
def runs(draw):
    """Trials of up to three submissions on two workloads, in any order."""
    trials = []
    for submission, workload in product(["a", "b", "c"], ["digits", "wmt"]):
        trials += reaching(submission, workload, draw(lists(times, max_size=3)))
    return draw(permutations(trials)) if trials else trials


@given(trials=runs())
@settings(max_examples=25)
def test_a_board_does_not_depend_on_the_order_of_the_trials(trials):
    assert board(trials) == board(sorted(trials, key=lambda t: t.key))


@given(trials=runs())
@settings(max_examples=25)
def test_scores_lie_between_zero_and_one_and_rank_the_entries(trials):
    found = board(trials).entries
    assert all(0 <= entry.score <= 1 for entry in found)
    assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)


def test_what_is_missing_on_every_workload_alike_is_said_once():
    rules = competition(["a", "b", "c", "d"])
    trials = [t for name in rules.workloads for t in reaching("sgd", name, [5, 5, 5])]
    assert board(trials, rules).notes == (
        "sgd: 48 trials missing of those that the rules ask for: 12 on each workload",
    )
