"""Large boards: what is computed another way than it is defined comes to the same."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from one_workload import SMALLEST, runs
from scipy.stats import rankdata
from synthetic_trials import competition, plausible_run

from mlgolf.scoring import resampling
from mlgolf.scoring.admission import admit
from mlgolf.scoring.leaderboard import score_competition
from mlgolf.scoring.records import exact_p
from mlgolf.scoring.resampling import Uncertainty, interval
from mlgolf.scoring.standings import Standings, ranks

values = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.5 + 1e-13, 1.0])


@given(st.lists(values, min_size=1, max_size=8))
def test_a_rank_is_one_more_than_the_number_of_better_scores(scores):
    rounded = np.round(scores, 12)
    assert ranks(np.array(scores)).tolist() == [
        1 + sum(other > one for other in rounded) for one in rounded
    ]


@given(*[st.lists(st.sampled_from([1.0, 2.0, 2.5, math.inf]), min_size=1, max_size=5)] * 2)
def test_the_exact_p_value_counts_all_ways_to_choose_the_runs(new, old):
    from itertools import combinations

    rank = 2 * rankdata([*new, *old])
    sums = [sum(chosen) for chosen in combinations(rank, len(new))]
    as_low = sum(one <= rank[: len(new)].sum() for one in sums)
    assert math.isclose(exact_p(new, old), as_low / len(sums), rel_tol=1e-12)


def test_whether_scores_differ_does_not_depend_on_how_many_pairs_are_compared_at_a_time(
    monkeypatch,
):
    rules = competition(["digits", "words"])
    trials = plausible_run(rules.workloads, ["sgd", "adam", "lion", "muon", "adafactor"])
    standings = Standings(rules, admit(rules, trials, "external").pool)
    found = Uncertainty(standings)
    monkeypatch.setattr(resampling, "_MOST_DIFFERENCES", 1)
    one_row_at_a_time = Uncertainty(standings)
    low, _ = interval(
        found._differences, standings.scores[:, None] - standings.scores, found.level
    )
    assert found.significant.any()
    assert_array_equal(found.significant, low > 1e-12)
    assert_array_equal(one_row_at_a_time.significant, found.significant)


@given(st.lists(
    st.lists(st.sampled_from([1.0, 2.0, math.inf]), min_size=3, max_size=7), min_size=1, max_size=6
))  # fmt: skip
@settings(max_examples=30)
def test_rows_with_studies_amiss_are_named_in_the_order_of_their_names(found):
    trials = [one for n, own in enumerate(found) for one in runs(f"s{n}", own)]
    notes = score_competition(SMALLEST, trials, "self").notes
    more = [n for n, own in enumerate(found) if len(own) > 5]
    assert [note.partition(":")[0] for note in notes if ": more than" in note] == [
        f"s{n}" for n in more
    ]
    fewer = [note for note in notes if ": fewer than" in note]
    assert len(fewer) == sum(len(own) < 5 for own in found)
    assert all(a < b for a, b in pairwise(fewer))
