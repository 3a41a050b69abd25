"""Expected running times and runtime distributions, where the answer is known."""

import math

import numpy as np
import pytest
from synthetic_trials import competition, reaching, trial, workload_rules

from mlgolf.core.errors import ScoringError
from mlgolf.scoring.admission import admit
from mlgolf.scoring.runtimes import GRID, Runtimes, expected_running_time, runtime_distribution
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.target_levels import pools_by_level

RULES = competition(["digits"])  # a budget of 30 s
OPEN_END = competition(
    {"digits": workload_rules().model_copy(update={"bounds": {"target": 0.1}})}
)


def pool(trials, rules=RULES):
    return admit(rules, trials, "external").pool


def distribution(*arguments, **more) -> Runtimes:
    found = runtime_distribution(*arguments, **more)
    assert found is not None
    return found


def solved(trials, within: float) -> float:
    """The share solved within so many budgets."""
    found = distribution(RULES, [pool(trials)]).solved["a"]
    return found[int(np.searchsorted(GRID, within))]


def test_who_always_gets_there_is_done_when_its_trials_are():
    trials = reaching("a", "digits", [3, 15, 15])
    assert solved(trials, 0.05) == 0
    assert solved(trials, 0.15) == pytest.approx(1 / 3, abs=0.08)
    assert solved(trials, 0.6) == 1


def test_who_fails_pays_for_the_failure_and_tries_again():
    trials = [
        trial("a", trial=1, seconds=[3], values=[0.1]),
        trial("a", trial=2, seconds=[30], values=[0.9]),
    ]
    assert solved(trials, 0.2) == pytest.approx(1 / 2, abs=0.08)
    assert solved(trials, 1.2) == pytest.approx(3 / 4, abs=0.08)
    assert solved(trials, 20) == pytest.approx(1)
    (expected,) = expected_running_time(pool(trials))[0]
    assert expected == 33.0


def test_who_never_gets_there_solves_nothing_however_long():
    trials = reaching("a", "digits", [math.inf, math.inf])
    assert solved(trials, 99) == 0
    assert expected_running_time(pool(trials))[0, 0] == math.inf


def test_every_target_counts_alike():
    trials = [trial("a", seconds=[3, 15], values=[0.104, 0.1])]
    pools = pools_by_level(RULES, lambda rules: pool(trials, rules), (0.0, 0.05))
    found = distribution(RULES, pools.values()).solved["a"]
    assert found[int(np.searchsorted(GRID, 0.11))] == 0.5  # the easier target, at 3 s
    assert found[int(np.searchsorted(GRID, 0.55))] == 1


def test_budgets_that_are_stretched_stretch_the_axis():
    trials = reaching("a", "digits", [15])
    twice = distribution(RULES, [pool(trials)], budget_factor=2.0).solved["a"]
    assert twice[int(np.searchsorted(GRID, 0.26))] == 1


def test_rules_without_a_target_have_no_target_levels():
    best = competition(
        ["digits"], objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    with pytest.raises(ScoringError, match="have no target"):
        pools_by_level(best, lambda rules: pool([], rules))


def test_without_a_budget_in_seconds_there_is_nothing_to_divide_times_by():
    trials = reaching("a", "digits", [3.0])
    assert runtime_distribution(OPEN_END, [pool(trials, OPEN_END)]) is None


def test_a_target_that_was_not_reached_has_no_time_where_there_is_no_budget():
    standings = Standings(OPEN_END, pool(reaching("a", "digits", [3.0]), OPEN_END))
    with pytest.raises(ScoringError, match="without a budget in seconds"):
        standings.ratio_to("a", 1.0)
