"""Diagnostics beside the scores, on data small enough to know the answer."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import composite, floats, sampled_from
from synthetic_trials import competition, reaching

from mlgolf.scoring.admission import admit
from mlgolf.scoring.diagnostics import bounds, leave_one_out, training_time, win_probabilities
from mlgolf.scoring.objective import TrialResult
from mlgolf.scoring.pool import make_pool
from mlgolf.scoring.resampling import Uncertainty, resampled_studies
from mlgolf.scoring.standings import Standings

INF = math.inf
ONE, TWO = competition(["digits"]), competition(["digits", "wmt"])


def standings(times, rules=ONE):
    """submission -> workload -> study -> times of its trials."""
    results = [
        TrialResult(
            submission=s, workload=w, study=k, trial=t, objective=time, seconds=time, choice=time,
            evaluation=0.0 if time < INF else INF, spent=min(time, 30.0),
        )
        for s, cells in times.items() for w, studies in cells.items()
        for k, trials in enumerate(studies) for t, time in enumerate(trials, start=1)
    ]
    return Standings(rules, make_pool(results, sorted(times), list(rules.workloads), 3))


def test_a_pair_far_apart_differs_significantly_and_a_near_one_does_not():
    near = [[10, 12, INF], [12, 10, 11], [11, 10, 13]]
    field = standings({
        "fast": {"digits": [[5, 5.1, 5.2]] * 3}, "a": {"digits": near},
        "b": {"digits": [trials[::-1] for trials in near]},
    })
    found = {(pair.ahead, pair.behind): pair for pair in win_probabilities(Uncertainty(field))}
    assert list(found) == [("fast", "a"), ("fast", "b"), ("a", "b")]
    assert found["fast", "a"].significant
    assert found["fast", "a"].probability > 0.99
    assert not found["a", "b"].significant
    assert found["a", "b"].probability == pytest.approx(0.5, abs=0.1)


def test_a_submission_whose_removal_turns_two_others_around_is_found():
    # c is so fast on wmt that a's lead there counts for nothing, until c is gone.
    field = standings(
        {
            "a": {"digits": [[8.0]] * 3, "wmt": [[4.5]] * 3},
            "b": {"digits": [[5.0]] * 3, "wmt": [[20.0]] * 3},
            "c": {"digits": [[30.0]] * 3, "wmt": [[1.0]] * 3},
        },
        TWO,
    )
    (found,) = [removed for removed in leave_one_out(field) if removed.without == "c"]
    assert found.ranks == {"a": (2, 1), "b": (1, 2)}


def test_the_cost_counts_all_trials_and_those_without_the_target():
    field = standings({"a": {"digits": [[10, INF], [INF, INF], [20, 15]]}})
    (spent,) = training_time(field.pool)
    assert (spent.trials, spent.hours) == (6, pytest.approx((10 + 20 + 15 + 3 * 30) / 3600))
    assert spent.hours_without_target == pytest.approx(90 / 3600)


times = floats(1, 30) | sampled_from([INF])


@composite
def whole_fields(draw):
    """Three studies of two trials for each of two submissions, some of which are yet to come."""
    whole = {s: {"digits": [[draw(times), draw(times)] for _ in range(3)]} for s in "ab"}
    known = {
        s: {"digits": [trials[: draw(sampled_from([0, 1, 2, 2]))] for trials in cells["digits"]]}
        for s, cells in whole.items()
    }
    return known, whole


@given(fields=whole_fields())
@settings(max_examples=60)
def test_whatever_the_missing_trials_do_the_score_stays_within_its_bounds(fields):
    known, whole = (standings(times) for times in fields)
    for row, bound in enumerate(bounds(known, trials=2)):
        assert bound.low - 1e-12 <= whole.scores[row] <= bound.high + 1e-12


@given(fields=whole_fields())
@settings(max_examples=20)
def test_without_missing_trials_the_bounds_are_the_score(fields):
    field = standings(fields[1])
    for row, bound in enumerate(bounds(field, trials=2)):
        assert (bound.missing, bound.low, bound.high) == (0, field.scores[row], field.scores[row])


def test_where_a_point_was_tuned_elsewhere_one_trial_a_study_is_all_there_should_be():
    rows = dict(TWO.workloads)
    rows["wmt"] = rows["wmt"].model_copy(update={"tuned_at": "digits"})
    rules = TWO.model_copy(update={"workloads": rows})
    field = standings({"a": {"digits": [[10, 20]] * 3, "wmt": [[30]] * 3}}, rules)
    assert [bound.missing for bound in bounds(field, trials=2)] == [0]


def test_drawn_studies_are_the_best_of_as_many_draws_as_there_are_trials():
    field = standings({"a": {"digits": [[1, 2, 3], [4, 5, 6], [7, 8, INF]]}})
    drawn = resampled_studies(field, 20_000, np.random.default_rng(0))
    pool = np.array([1, 2, 3, 4, 5, 6, 7, 8, INF])
    by_hand = np.random.default_rng(1).choice(pool, size=(60_000, 3)).min(axis=1)
    for value in (1, 2, 4, 8):
        assert (drawn <= value).mean() == pytest.approx((by_hand <= value).mean(), abs=0.01)


SAME = competition(["digits"], tuning={
    "external": {"trials": 3, "studies": 3, "points": "same"},
    "self": {"studies": 3, "budget_factor": 1.5},
})


def test_where_points_repeat_each_trial_is_drawn_from_those_of_its_point():
    field = standings({"a": {"digits": [[1, 20, 9], [2, 20, INF], [INF, 20, 9]]}}, SAME)
    drawn = resampled_studies(field, 20_000, np.random.default_rng(0))
    # The first point gives 1, 2 or never; if never, the third gives 9, or once in three the 20.
    for value, share in ((1, 1 / 3), (2, 1 / 3), (9, 2 / 9), (20, 1 / 9)):
        assert (drawn == value).mean() == pytest.approx(share, abs=0.01)
    assert set(np.unique(drawn)) == {1, 2, 9, 20}


def test_a_point_that_a_study_lacks_is_drawn_from_the_others():
    field = standings({"a": {"digits": [[5, 3], [5], [5]]}}, SAME)
    drawn = resampled_studies(field, 100, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {3}


def test_who_has_no_trial_has_none_in_any_drawn_field():
    field = standings({"a": {"digits": [[5], [5], [5]]}, "b": {"digits": []}}, SAME)
    drawn = resampled_studies(field, 10, np.random.default_rng(0))
    assert np.isnan(drawn[:, 1]).all()
    assert (drawn[:, 0] == 5).all()


def test_a_run_folders_trials_make_the_same_pool_as_numbers_do():
    trials = [*reaching("a", "digits", [5, 6, INF]), *reaching("b", "digits", [9, 9, 9])]
    admitted = Standings(ONE, admit(ONE, trials, "external").pool)
    workload_rules = standings({
        "a": {"digits": [[5.0], [6.0], [INF]]}, "b": {"digits": [[9.0]] * 3},
    })
    assert (admitted.scores == workload_rules.scores).all()
