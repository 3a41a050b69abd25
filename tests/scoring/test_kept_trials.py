"""What is written down of a trial is all that a board needs of it; and who shares a rank."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_workload import SMALLEST, runs
from synthetic_trials import competition, plausible_run, reaching, trial

from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.status import Status
from mlgolf.scoring.admission import admit
from mlgolf.scoring.kept_board import board_of_kept
from mlgolf.scoring.kept_trials import as_records, from_records, keep_trials
from mlgolf.scoring.leaderboard import score_competition, to_json
from mlgolf.scoring.record_history import record_history
from mlgolf.scoring.shared_ranks import shared_ranks
from mlgolf.scoring.standings import Standings

VALUES = [1.0, 2.0, 2.0 + 1e-12, 3.25, 1 / 3, math.inf]
names = st.sampled_from(["a", "b", "c", "d"])
values_of_runs = st.lists(st.sampled_from(VALUES), min_size=1, max_size=6)
boards = st.dictionaries(names, values_of_runs, min_size=1)


def written_down(rules, trials, ruleset="self"):
    """What a database gives back."""
    kept = list(keep_trials(rules, trials, ruleset))
    return from_records(json.loads(json.dumps(as_records(kept), allow_nan=False)))


def without_near_misses(board):
    return {key: value for key, value in to_json(board).items() if key != "near_misses"}


@given(boards)
@settings(max_examples=60)
def test_a_board_of_what_was_written_down_is_that_of_the_trials_to_the_digit(values):
    trials = [one for name, found in values.items() for one in runs(name, found)]
    found = board_of_kept(SMALLEST, written_down(SMALLEST, trials), "self")
    of_trials = score_competition(SMALLEST, trials, "self")
    assert without_near_misses(found.board) == without_near_misses(of_trials)
    assert found.board.entries == of_trials.entries


def test_so_is_a_board_of_several_workloads_studies_and_trials():
    rules = competition(["digits", "words"])
    trials = plausible_run(rules.workloads, ["sgd", "adam"])
    found = board_of_kept(rules, written_down(rules, trials, "external"), "external").board
    assert found.entries == score_competition(rules, trials, "external").entries


def test_labels_and_the_order_of_equals_are_written_down_too():
    early, late = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    trials = [
        *(replace(one, received=late) for one in runs("a", [2.0] * 5)),
        *(replace(one, received=early) for one in runs("b", [2.0] * 5)),
    ]
    trials[0] = replace(trials[0], verdict=trials[0].verdict.model_copy(
        update={"disturbed": "the machine was busy"}
    ))
    found = board_of_kept(SMALLEST, written_down(SMALLEST, trials), "self").board
    assert [entry.submission for entry in found.entries] == ["b", "a"]
    assert found.labels.as_json() == score_competition(SMALLEST, trials, "self").labels.as_json()
    assert found.labels.disturbed


@pytest.mark.parametrize("status", [None, Status.KILLED])
def test_why_a_trial_is_left_out_is_written_down(status):
    trials = [*runs("a", [1.0, 2.0]), trial("a", "digits", 2, status=status)]
    found = board_of_kept(SMALLEST, written_down(SMALLEST, trials), "self").board
    assert found.notes == score_competition(SMALLEST, trials, "self").notes
    assert any("1 trial left out" in note for note in found.notes)


def test_a_ruling_on_what_was_written_down_leaves_a_tombstone_and_no_row():
    ruling = JuryRuling.model_validate({
        "id": "1", "date": date(2026, 1, 1), "subject": {"submission": "a"}, "reason": "weights",
        "decision": "disqualified", "rule": "no stored weights", "evidence": ["a.py, line 1"],
    })
    kept = written_down(SMALLEST, [*runs("a", [1.0] * 5), *runs("b", [2.0] * 5)])
    found = board_of_kept(SMALLEST, kept, "self", rulings=[ruling]).board
    assert [entry.submission for entry in found.entries] == ["b"]
    assert [stone.submission for stone in found.tombstones] == ["a"]


def test_a_ruling_on_one_trial_counts_it_as_one_that_never_had_a_model():
    ruling = JuryRuling.model_validate({
        "id": "1", "date": date(2026, 1, 1), "decision": "disqualified", "rule": "its clock",
        "subject": {"submission": "a", "trial": "study_0/digits_torch/trial_1"},
        "reason": "stopped", "evidence": ["log.txt"],
    })
    trials = runs("a", [1.0, 2.0, 2.0, 2.0, 2.0])
    (entry,) = board_of_kept(
        SMALLEST, written_down(SMALLEST, trials), "self", rulings=[ruling]
    ).board.entries
    assert (entry.cells["digits"].reached, entry.cells["digits"].value) == (4, 2.0)


# --- shared ranks ---


def ranked(**values):
    trials = [one for name, found in values.items() for one in runs(name, found)]
    return shared_ranks(Standings(SMALLEST, admit(SMALLEST, trials, "self").pool), "self")


def test_who_is_surely_better_does_not_share_a_rank():
    assert ranked(a=[1.0] * 5, b=[2.0] * 5) == {"a": 1, "b": 2}


def test_who_cannot_be_told_apart_shares_the_rank_and_the_next_is_skipped():
    found = ranked(
        a=[1.0, 2.0, 3.0, 4.0, 5.0], b=[1.1, 2.1, 3.1, 4.1, 5.1], c=[9.0, 9.1, 9.2, 9.3, 9.4]
    )
    assert found == {"a": 1, "b": 1, "c": 3}


def test_a_trifle_shares_the_rank_however_sure_it_is():
    assert ranked(a=[1.0] * 5, b=[1.0 + 1e-9] * 5) == {"a": 1, "b": 1}


def test_who_has_no_value_has_no_rank():
    assert ranked(a=[1.0] * 5, b=[math.inf] * 5) == {"a": 1}


@given(boards)
@settings(max_examples=60)
def test_a_shared_rank_is_the_place_of_its_leader(values):
    found = ranked(**values)
    in_order = [*found.values()]
    assert in_order == sorted(in_order)
    assert all(in_order[rank - 1] == rank for rank in in_order)


def test_scores_over_several_workloads_share_no_rank_this_way():
    rules = competition(["digits", "words"])
    pool = admit(rules, reaching("a", "digits", [1.0] * 3), "external").pool
    assert shared_ranks(Standings(rules, pool), "external") is None


# --- the history of the record ---


def history(*runs_in_order):
    """Args: (name, values of its runs), in the order in which they came."""
    received = {name: float(day) for day, (name, _) in enumerate(runs_in_order)}
    trials = [one for name, found in runs_in_order for one in runs(name, found)]
    standings = Standings(SMALLEST, admit(SMALLEST, trials, "self").pool)
    return [step.submission for step in record_history(standings, "self", received)]


def test_each_record_is_one_over_the_record_before():
    found = history(
        ("first", [5.0] * 5), ("worse", [6.0] * 5), ("second", [4.0] * 5),
        ("a-trifle-better", [4.0 - 1e-9] * 5), ("third", [3.0] * 5),
    )
    assert found == ["first", "second", "third"]


def test_who_has_fewer_runs_than_the_rules_ask_for_is_no_record():
    assert history(("few", [1.0] * 3), ("all", [2.0] * 5)) == ["all"]
