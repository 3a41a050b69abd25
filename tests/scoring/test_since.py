"""The best of one field against the best of an earlier one."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import floats
from synthetic_trials import competition, reaching, workload_rules

from mlgolf.core.errors import ScoringError
from mlgolf.scoring.admission import admit
from mlgolf.scoring.since import since
from mlgolf.scoring.standings import Standings

RULES = competition(["digits", "wmt"])
INF = math.inf


def field(times, rules=RULES):
    """submission -> workload -> seconds of its studies."""
    trials = [
        trial for name, cells in times.items() for workload, seconds in cells.items()
        for trial in reaching(name, workload, seconds)
    ]
    return Standings(rules, admit(rules, trials, "external").pool)


THEN = field({
    "adam": {"digits": [8.0], "wmt": [10.0]}, "sgd": {"digits": [16.0], "wmt": [20.0]},
})


def test_the_best_raw_times_are_compared_by_their_geometric_mean():
    now = field({"lion": {"digits": [4.0], "wmt": [20.0]}, "new": {"digits": [9.0], "wmt": [5.0]}})
    found = since(now, THEN)
    assert found.workloads == {"digits": 0.5, "wmt": 0.5}
    assert found.best == pytest.approx(0.5)
    assert (found.bridge, found.machine, found.algorithms) == ({}, None, None)


def test_what_changed_for_the_bridge_is_no_progress_of_algorithms():
    now = field({
        "adam": {"digits": [4.0], "wmt": [5.0]}, "lion": {"digits": [2.0], "wmt": [2.5]},
    })
    found = since(now, THEN)
    assert found.bridge == pytest.approx({"adam": 0.5})
    assert found.machine == pytest.approx(0.5)
    assert found.best == pytest.approx(0.25)
    assert found.algorithms == pytest.approx(0.5)


def test_a_renamed_submission_can_be_the_bridge():
    now = field({"adam_2": {"digits": [4.0], "wmt": [5.0]}})
    found = since(now, THEN, [("adam", "adam_2")])
    assert found.bridge == pytest.approx({"adam_2": 0.5})
    assert found.algorithms == pytest.approx(1.0)


def test_a_workload_that_one_field_never_reached_is_left_out_and_said():
    now = field({"adam": {"digits": [4.0], "wmt": [INF]}})
    found = since(now, THEN)
    assert found.workloads == {"digits": 0.5}
    assert found.left_out == {"wmt": "in one of them no submission reached its target"}


def test_a_workload_with_another_target_is_left_out_and_said():
    harder = competition({"digits": workload_rules(target=0.05), "wmt": workload_rules()})
    now = field({"adam": {"digits": [4.0], "wmt": [5.0]}}, harder)
    found = since(now, THEN)
    assert found.workloads == {"wmt": 0.5}
    assert found.left_out == {
        "digits": "its target changed: validation/error_rate ≤ 0.1, then validation/error_rate "
        "≤ 0.05"
    }


def test_a_bridge_that_nobody_ran_is_refused_by_name():
    with pytest.raises(ScoringError, match="'lion' was not run in tiny; its submissions are adam"):
        since(THEN, THEN, [("lion", "lion")])


def test_only_times_are_compared():
    best = competition(
        ["digits"], objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    other = Standings(best, THEN.pool)
    with pytest.raises(ScoringError, match="compares times; tiny asks for the validation metric"):
        since(other, THEN)


@given(factor=floats(0.1, 0.9))
def test_a_faster_machine_alone_is_no_progress(factor):
    pool = replace(
        THEN.pool, objective=THEN.pool.objective * factor, seconds=THEN.pool.seconds * factor,
        choice=THEN.pool.choice * factor,
    )
    found = since(Standings(RULES, pool), THEN)
    assert found.machine == pytest.approx(factor)
    assert found.algorithms == pytest.approx(1.0)
