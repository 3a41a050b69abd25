"""Which of several submissions with the same score stands first."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import composite, integers, lists, none, permutations, sampled_from
from synthetic_trials import competition, trial

from mlgolf.scoring.leaderboard import score_competition

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELF = {"self": {"studies": 3, "budget_factor": 1.0}}
ONE, TWO = competition(tuning=SELF), competition(["digits", "wmt"], tuning=SELF)


def run(name, seconds=5.0, *, measured=None, at=None, study=0, workload="digits"):
    """A trial that reaches its target with a model of which something was `measured`."""
    reached = {"validation/error_rate": np.array([0.1])}
    columns = {column: np.array([value]) for column, value in (measured or {}).items()}
    return trial(
        name, workload, study, seconds=[seconds], metrics={**reached, **columns},
        received=None if at is None else NOON + timedelta(hours=at),
    )


def order(trials, rules=ONE):
    return [(e.rank, e.submission) for e in score_competition(rules, trials, "self").entries]


@pytest.mark.parametrize("column", ["train/bits", "model/artifact_bytes"])
def test_of_equal_scores_the_one_with_fewer_bits_stands_first(column):
    trials = [run("a", measured={column: 9.0}, at=0), run("b", measured={column: 8.0}, at=1)]
    assert order(trials) == [(1, "b"), (1, "a")]


def test_bits_with_labels_count_before_the_bytes_of_a_file():
    a = {"train/bits": 9.0, "model/artifact_bytes": 1.0}
    b = {"train/bits": 8.0, "model/artifact_bytes": 2.0}
    assert order([run("a", measured=a), run("b", measured=b)]) == [(1, "b"), (1, "a")]


def test_a_byte_of_a_file_has_eight_bits():
    trials = [
        run("a", measured={"model/artifact_bytes": 2.0}), run("b", measured={"train/bits": 15.0})
    ]
    assert order(trials) == [(1, "b"), (1, "a")]


def test_bits_are_those_of_the_median_run():
    a = [run("a", measured={"train/bits": n}, study=k) for k, n in enumerate([1.0, 7.0, 9.0])]
    b = [run("b", measured={"train/bits": n}, study=k) for k, n in enumerate([5.0, 6.0, 99.0])]
    assert order([*a, *b]) == [(1, "b"), (1, "a")]


def test_bits_add_up_over_workloads():
    found = {"a": {"digits": 1.0, "wmt": 9.0}, "b": {"digits": 4.0, "wmt": 5.0}}
    trials = [
        run(name, measured={"train/bits": bits}, workload=workload)
        for name, own in found.items() for workload, bits in own.items()
    ]
    assert order(trials, TWO) == [(1, "b"), (1, "a")]


def test_of_equal_bits_the_earlier_receipt_stands_first():
    bits = {"train/bits": 8.0}
    assert order([run("a", measured=bits, at=1), run("b", measured=bits, at=0)]) == [
        (1, "b"), (1, "a"),
    ]


def test_a_submission_was_received_with_its_first_run():
    trials = [run("a", at=1), run("b", at=2), run("b", at=0, study=1)]
    assert order(trials) == [(1, "b"), (1, "a")]


def test_a_receipt_that_nobody_wrote_down_comes_last():
    assert order([run("a"), run("b", at=0)]) == [(1, "b"), (1, "a")]


def test_a_better_score_stands_first_however_many_bits_it_has():
    trials = [run("a", 6.0, measured={"train/bits": 1.0}), run("b", measured={"train/bits": 9.0})]
    assert order(trials) == [(1, "b"), (2, "a")]


@composite
def boards(draw):
    """Trials with few different scores, bits and receipts, in two orders."""
    names = draw(lists(sampled_from("abcdef"), min_size=1, unique=True))
    trials = [
        run(
            name, draw(sampled_from([5.0, 6.0])), at=draw(none() | integers(0, 1)),
            measured={"train/bits": draw(sampled_from([8.0, 9.0, math.nan]))},
        )
        for name in names
    ]
    return trials, draw(permutations(trials))


@settings(deadline=None)
@given(boards())
def test_no_rank_and_no_order_depends_on_the_order_of_the_trials(both):
    one, other = both
    assert order(one) == order(other)


@settings(deadline=None)
@given(boards())
def test_rows_of_one_rank_are_in_a_total_order(both):
    found = score_competition(ONE, both[0], "self").entries
    for above, below in pairwise(found):
        assert (above.rank, above.tie_break) < (below.rank, below.tie_break)


@settings(deadline=None)
@given(boards())
def test_equal_scores_share_a_rank_whatever_breaks_the_tie(both):
    found = score_competition(ONE, both[0], "self").entries
    for entry in found:
        assert entry.rank == 1 + sum(other.score > entry.score for other in found)
