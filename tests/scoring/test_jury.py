"""What rulings of a jury do to a board."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_trials import competition, reaching

from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.status import Outcome
from mlgolf.scoring.jury import disqualifying, judged, judged_names
from mlgolf.scoring.leaderboard import score_competition

RULES = competition()
FIELD = [
    *reaching("fast", "digits", [1.0, 1.0, 1.0], header={"submission_sha256": 64 * "f"}),
    *reaching("good", "digits", [2.0, 2.0, 2.0]),
    *reaching("slow", "digits", [3.0, 3.0, 3.0]),
]
RUN_OF = {trial.key: "first" for trial in FIELD}


def ruling(number: int, decision: str = "disqualified", **subject: str) -> JuryRuling:
    return JuryRuling(
        id=f"R{number}", date=date(2026, 11, number), decision=decision, rule="pretraining",
        reason="weights were brought along", evidence=("entry.py, line 12",),
        subject=subject or {"submission": "fast"},
    )


def ranked(*rulings: JuryRuling) -> dict[str, int]:
    kept = judged(FIELD, rulings, RUN_OF).trials
    board = score_competition(RULES, kept, "external")
    return {entry.submission: entry.rank for entry in board.entries}


def test_who_is_disqualified_moves_nobodys_score():
    without = score_competition(RULES, FIELD[3:], "external")
    ruled = score_competition(RULES, judged(FIELD, [ruling(1)], RUN_OF).trials, "external")
    assert ruled.entries == without.entries


@pytest.mark.parametrize(
    "subject",
    [{"submission": "fast"}, {"sha256": 64 * "f"},
     {"submission": "fast", "run": "first"}],
)
def test_a_disqualification_takes_the_submission_off_the_board(subject):
    assert ranked(ruling(1, **subject)) == {"good": 1, "slow": 2}


@pytest.mark.parametrize(
    "subject", [{"submission": "nobody"}, {"submission": "fast", "run": "second"},
                {"submission": "fast", "sha256": 64 * "0"}],
)
def test_a_ruling_on_others_changes_nothing(subject):
    assert ranked(ruling(1, **subject)) == {"fast": 1, "good": 2, "slow": 3}
    assert judged(FIELD, [ruling(1, **subject)], RUN_OF).rulings == ()


@pytest.mark.parametrize("decision", ["warning", "accepted"])
def test_a_warning_and_an_acceptance_take_nobody_off(decision):
    one = ruling(1, decision)
    assert ranked(one) == {"fast": 1, "good": 2, "slow": 3}
    assert judged(FIELD, [one], RUN_OF).rulings == (one,)


def test_a_tombstone_says_who_and_by_which_ruling():
    (stone,) = judged(FIELD, [ruling(1)], RUN_OF).tombstones
    assert stone.as_json() == {
        "submission": "fast", "sha256": 64 * "f", "run": None, "trial": None, "ruling": "R1",
        "date": "2026-11-01", "rule": "pretraining", "reason": "weights were brought along",
        "evidence": ["entry.py, line 12"], "test": "",
        "file": None,
    }


def test_the_last_decision_on_a_subject_is_in_force():
    back = [ruling(1), ruling(2, "reinstated")]
    assert disqualifying(back) == []
    assert ranked(*back) == {"fast": 1, "good": 2, "slow": 3}
    again = [*back, ruling(3)]
    assert ranked(*again) == {"good": 1, "slow": 2}
    assert [stone.ruling.id for stone in judged(FIELD, again, RUN_OF).tombstones] == ["R3"]


def test_a_warning_after_a_disqualification_does_not_lift_it():
    assert ranked(ruling(1), ruling(2, "warning")) == {"good": 1, "slow": 2}


def test_a_trial_that_is_disqualified_counts_as_one_without_a_model():
    one = ruling(1, submission="fast", trial="study_0/digits_torch/trial_1")
    kept = judged(FIELD, [one], RUN_OF)
    board = score_competition(RULES, kept.trials, "external")
    (fast,) = [entry for entry in board.entries if entry.submission == "fast"]
    assert (fast.cells["digits"].studies, fast.cells["digits"].reached) == (3, 2)
    assert kept.trials[0].reason == "ruling R1: weights were brought along"
    assert len(kept.tombstones) == 1
    assert kept.excluded == set()


def test_a_study_that_loses_its_trials_is_not_left_out_of_the_median():
    lost = [ruling(n, submission="fast", trial=f"study_{n - 1}/digits_torch/trial_1")
            for n in (1, 2)]  # fmt: skip
    board = score_competition(RULES, judged(FIELD, lost, RUN_OF).trials, "external")
    (fast,) = [entry for entry in board.entries if entry.submission == "fast"]
    assert fast.cells["digits"].outcome is Outcome.TARGET_NOT_REACHED


@given(st.lists(st.tuples(
    st.sampled_from(["accepted", "disqualified", "warning", "reinstated"]),
    st.sampled_from(["fast", "good", "slow", "nobody"]),
    st.sampled_from(["", "first", "second"]),
    st.sampled_from(["", "study_0/digits_torch/trial_1", "study_1/digits_torch/trial_1"]),
), max_size=8))  # fmt: skip
def test_whatever_was_ruled_each_trial_is_kept_or_has_a_tombstone(decisions):
    rulings = [
        ruling(number, decision, submission=name, run=run, trial=trial)
        for number, (decision, name, run, trial) in enumerate(decisions, start=1)
    ]
    found = judged(FIELD, rulings, RUN_OF)
    kept = {trial.key: trial for trial in found.trials}
    for trial in FIELD:
        against = [
            stone for stone in found.tombstones
            if stone.ruling.subject.is_of(trial.key, trial.facts.submission_sha256, "first")
        ]
        assert bool(against) == (kept.get(trial.key) is not trial)
    assert all(stone.ruling.decision == "disqualified" for stone in found.tombstones)


def test_of_a_table_only_rulings_by_name_are_known():
    found = judged_names(["fast", "good"], [ruling(1), ruling(2, sha256=64 * "f")])
    assert [stone.ruling.id for stone in found.tombstones] == ["R1"]
    assert found.excluded == {"fast"}
