import pytest

from mlgolf.api.remaining import Remaining
from mlgolf.core.trial_key import TrialKey


def key(trial: int, submission: str = "s", workload: str = "short") -> TrialKey:
    return TrialKey(
        submission=submission, framework="torch", workload=workload, study=0, trial=trial
    )


def four(seconds: float = 60.0, **options) -> Remaining:
    return Remaining({key(n): seconds for n in range(4)}, **options)


def test_before_a_trial_has_ended_the_budgets_are_the_bound():
    assert four().in_words(now=0.0) == "at most 4 min left"
    assert four().in_words(now=60.0) == "at most 3 min left"


def test_trials_side_by_side_share_the_budgets():
    assert four(workers=2).in_words(now=0.0) == "at most 2 min left"


def test_once_a_trial_has_ended_the_others_are_expected_to_take_as_long():
    remaining = four()
    remaining.ended(key(0), now=20.0)
    assert remaining.in_words(now=20.0) == "about 60 s left"
    assert remaining.in_words(now=30.0) == "about 50 s left"


def test_trials_with_a_longer_budget_are_expected_to_take_longer():
    budgets = {key(1): 10.0, key(2, workload="long"): 100.0}
    remaining = Remaining(budgets)
    remaining.ended(key(1), now=5.0)
    assert remaining.in_words(now=5.0) == "about 50 s left"


def test_trials_that_will_not_be_played_take_no_time():
    remaining = Remaining({key(1): 60.0, key(2): 60.0, key(1, "other"): 60.0})
    remaining.ended(key(1), now=10.0)
    remaining.dropped("s")
    assert remaining.in_words(now=10.0) == "about 10 s left"


def test_a_trial_that_was_under_way_when_its_submission_was_dropped_may_still_end():
    remaining = Remaining({key(1): 60.0, key(2): 60.0, key(1, "other"): 60.0}, workers=2)
    remaining.ended(key(1), now=10.0)
    remaining.dropped("s")
    remaining.ended(key(2), now=10.0)
    assert remaining.in_words(now=10.0) == "about 10 s left"


def test_the_last_second_is_counted_as_one():
    remaining = four()
    remaining.ended(key(0), now=0.1)
    assert remaining.in_words(now=0.3) == "about 1 s left"


def test_nothing_is_said_once_the_estimate_has_passed():
    remaining = four()
    remaining.ended(key(0), now=1.0)
    assert remaining.in_words(now=100.0) == ""


@pytest.mark.parametrize(
    ("budget", "words"), [(89, "89 s"), (720, "12 min"), (9000, "2.5 h"), (259200, "3.0 days")]
)
def test_a_duration_is_given_in_the_unit_that_suits_it(budget, words):
    assert Remaining({key(1): float(budget)}).in_words(0.0) == f"at most {words} left"
