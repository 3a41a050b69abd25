"""When the best of a board is a record."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_workload import SMALLEST, runs
from scipy.stats import mannwhitneyu, rankdata
from synthetic_trials import competition, reaching

from mlgolf.core.rules import RecordRules
from mlgolf.scoring.admission import admit
from mlgolf.scoring.labels import Labels
from mlgolf.scoring.records import RecordTest, exact_p, lacking, record_test, relative_gain
from mlgolf.scoring.standings import Standings

FEW = [1.0, 2.0, 3.0, 4.0, math.inf]  # so that many are equal
values = st.lists(st.sampled_from(FEW), min_size=1, max_size=6)
distinct = st.lists(st.floats(0, 1), min_size=2, max_size=14, unique=True)


def compared(new, old, rules=SMALLEST, **options) -> RecordTest:
    trials = [*runs("new", new), *runs("old", old)]
    standings = Standings(rules, admit(rules, trials, "self").pool)
    found = record_test(standings, "self", **options)
    assert found is not None
    return found


@given(pooled=distinct, data=st.data())
def test_p_is_that_of_the_exact_mann_whitney_test(pooled, data):
    size = data.draw(st.integers(1, len(pooled) - 1))
    new, old = pooled[:size], pooled[size:]
    expected = mannwhitneyu(new, old, method="exact", alternative="less").pvalue
    assert exact_p(new, old) == pytest.approx(expected, rel=1e-12)


@given(new=values, old=values)
def test_with_equal_values_p_counts_all_ways_to_call_so_many_of_them_new(new, old):
    ranks = rankdata([*new, *old])
    sums = [sum(chosen) for chosen in combinations(ranks, len(new))]
    as_low = sum(total <= sum(ranks[: len(new)]) for total in sums)
    assert exact_p(new, old) == pytest.approx(as_low / len(sums), rel=1e-12)


@given(pooled=distinct, data=st.data())
def test_a_better_run_never_raises_p_where_no_values_are_equal(pooled, data):
    """With ties it may: of [2, 2, 2] to [1, 3, 3], a first 1.5 raises it from 0.2 to 0.3."""
    size = data.draw(st.integers(1, len(pooled) - 1))
    new, old = pooled[:size], pooled[size:]
    at = data.draw(st.integers(0, size - 1))
    better = data.draw(st.floats(-1, 1).filter(lambda value: value not in pooled))
    improved = [*new[:at], min(better, new[at]), *new[at + 1:]]
    assert exact_p(improved, old) <= exact_p(new, old) + 1e-12


def test_p_of_runs_that_are_all_better_is_one_in_all_ways():
    assert exact_p([1] * 5, [2] * 5) == pytest.approx(1 / math.comb(10, 5))


def test_p_of_many_runs_is_exact_too():
    assert exact_p(range(40), range(40, 80)) == pytest.approx(1 / math.comb(80, 40), rel=1e-9)


@given(
    old=st.floats(0.1, 10), new=st.floats(0, 20), further=st.floats(0, 5),
    level=st.floats(0.01, 1), minimum=st.floats(0, 1), p=st.floats(0, 1),
)
def test_a_larger_gain_keeps_a_record_a_record(old, new, further, level, minimum, p):
    rules = RecordRules(level=level, minimum_gain=minimum)
    less, more = relative_gain(new, old), relative_gain(new - further, old)
    assert more >= less
    assert len(lacking(more, p, rules)) <= len(lacking(less, p, rules))


@pytest.mark.parametrize(
    ("new", "old", "gain"),
    [(15.0, 20.0, 0.25), (-0.9, -0.8, 0.125), (1.0, math.inf, math.inf),
     (math.inf, 1.0, -math.inf), (0.0, 0.0, 0.0), (-1.0, 0.0, math.inf)],
)
def test_a_gain_is_a_share_of_the_old_value(new, old, gain):
    assert relative_gain(new, old) == pytest.approx(gain)


def test_no_gain_is_known_over_nothing_by_nothing():
    assert math.isnan(relative_gain(math.inf, math.inf))
    assert lacking(math.nan, 0.0, RecordRules())


def test_the_best_of_five_surely_better_runs_is_a_record():
    found = compared([15.0, 15.1, 15.2, 14.9, 15.0], [17.7, 17.6, 18.0, 17.8, 17.9])
    assert (found.challenger, found.incumbent, found.runs) == ("new", "old", (5, 5))
    assert (found.value, found.incumbent_value) == (15.0, 17.8)
    assert found.is_record


def test_a_gain_that_is_too_small_is_no_record():
    found = compared([9.99] * 5, [10.0] * 5)
    assert found.lacks == ("the gain is below 0.5%",)


def test_too_few_runs_are_no_record():
    assert compared([5.0, 5.0], [10.0, 10.0]).lacks[0] == "p is above 0.05"


def test_fewer_runs_than_the_rules_ask_for_are_no_record_of_either():
    few, all_five = [5.0] * 4, [10.0] * 5
    assert compared(few, all_five).lacks == ("new has 4 of 5 runs",)
    assert compared([5.0] * 5, [10.0] * 4).lacks == ("old has 4 of 5 runs",)


def test_the_level_and_the_least_gain_are_rules():
    rules = SMALLEST.model_copy(update={"rules": SMALLEST.rules.model_copy(
        update={"record": RecordRules(level=0.2, minimum_gain=0.0)}
    )})
    assert compared([9.98] * 5, [10.0] * 5, rules).is_record


def test_runs_that_do_not_qualify_are_the_worst():
    found = compared([15.0] * 5, [14.0, math.inf, math.inf, math.inf, math.inf])
    assert (found.challenger, found.incumbent_value) == ("new", math.inf)
    assert found.as_json()["gain"] is None


def test_unofficial_runs_are_no_record():
    label = Labels(unofficial=("shared",))
    assert compared([5.0] * 5, [9.0] * 5, labelled=label).lacks == ("the runs are unofficial",)


@pytest.mark.parametrize(
    ("workloads", "names", "ruleset"),
    [(["digits", "wmt"], ["a", "b"], "self"), (["digits"], ["a"], "self"),
     (["digits"], ["a", "b"], "external")],
    ids=["several workloads", "one submission", "several trials a study"],
)
def test_only_runs_that_stand_alone_on_one_workload_are_compared(workloads, names, ruleset):
    rules = competition(workloads)
    trials = [t for n in names for w in workloads for t in reaching(n, w, [5])]
    assert record_test(Standings(rules, admit(rules, trials, ruleset).pool), ruleset) is None
