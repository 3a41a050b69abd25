"""How fast machines are, and what that does to budgets."""

import numpy as np
import pytest
from plans import LINEAR, plan
from synthetic_trials import trial

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading
from mlgolf.core.rules import Rules
from mlgolf.core.workload import SPLITS
from mlgolf.referee.calibration import Calibration, calibrate, probe
from mlgolf.referee.rulings import Rulings

HARDWARE = load_hardware("one-thread-cpu")
TWICE_AS_FAST = Calibration(seconds=0.5, spread=0.0, reference_seconds=1.0)


def test_the_probe_measures_this_machine():
    found = calibrate(HARDWARE, ())
    assert found is not None
    assert found.seconds > 0
    assert found.reference_seconds == HARDWARE.reference.probe_seconds
    assert found.speed == found.reference_seconds / found.seconds


def test_a_class_without_a_reference_machine_is_not_probed():
    assert calibrate(load_hardware("eight-v100"), ()) is None


def test_a_probe_that_fails_says_so():
    broken = HARDWARE.model_copy(update={"environment": {"PYTHONHOME": "/nowhere"}})
    with pytest.raises(SandboxError, match="probe of this machine's speed failed"):
        calibrate(broken, ())


def test_around_a_trial_the_probe_measures_what_it_does_at_the_start_of_a_run():
    found = calibrate(HARDWARE, ())
    assert found is not None
    assert probe(HARDWARE, ()) == pytest.approx(found.seconds, rel=0.9)


def test_after_a_probe_that_failed_the_next_one_has_a_process_of_its_own():
    broken = HARDWARE.model_copy(update={"environment": {"PYTHONHOME": "/nowhere"}})
    for _ in range(2):
        with pytest.raises(SandboxError, match="its process ended with exit code 1"):
            probe(broken, ())
    assert probe(HARDWARE, ()) > 0


def test_a_class_whose_clock_is_wall_time_is_probed_by_it():
    wall = HARDWARE.model_copy(update={"clock": "wall"})
    assert probe(wall, ()) > 0


@pytest.mark.parametrize(("quantity", "bound", "expected"), [
    ("time", "budget_seconds", 15.0), ("wall_time", 8.0, 4.0), ("steps", "step_limit", 4000.0),
    ("validation_metric", "target", 0.02),
])  # fmt: skip
def test_bounds_in_seconds_alone_are_those_of_the_reference_machine(quantity, bound, expected):
    competition = load_competition(LINEAR)
    constraint = competition.rules.constraints[0].model_copy(
        update={"quantity": quantity, "bound": bound}
    )
    target = competition.rules.target(constraint, competition.workloads["linear"], speed=2.0)
    assert target is not None
    assert target.value == expected


@pytest.fixture
def for_dollars():
    """The one-second competition with the price of 36 s of the reference machine for all."""
    rules = plan().rules.model_dump(by_alias=True)
    bound = {"quantity": "dollars", "bound": 36 / 3600 * HARDWARE.dollars_per_hour}
    return Rules.model_validate(
        rules | {"objective": "test_loss", "constraints": [bound], "hardware": HARDWARE.name}
    )


@pytest.mark.parametrize(("calibration", "seconds"), [(None, 36.0), (TWICE_AS_FAST, 18.0)])
def test_dollars_end_a_trial_when_the_reference_machine_would_have_cost_them(
    for_dollars, calibration, seconds
):
    priced = plan(rules=for_dollars, calibration=calibration, ruleset="external")
    rulings = Rulings(priced, HARDWARE.limits, SPLITS)
    assert priced.budget_seconds == pytest.approx(seconds)
    assert priced.told_rules.bounds["budget_seconds"] == pytest.approx(seconds)
    assert rulings.out_of_time(Reading(0.99 * seconds, 0, 0)) is None
    reason = str(rulings.out_of_time(Reading(1.01 * seconds, 0, 0)))
    assert f"the bound is {seconds:g} s: 0.000504 dollars" in reason


def test_a_budget_factor_gives_more_dollars(for_dollars):
    row = plan().workload_rules
    assert for_dollars.seconds_allowed(row, budget_factor=1.5) == pytest.approx(54.0)


def test_a_trial_costs_what_the_reference_machine_would_have():
    told = {"hardware": HARDWARE, "calibration": TWICE_AS_FAST}
    cost = trial(seconds=[1800.0], values=[0.1], header=told).values("dollars", "error_rate")
    assert cost == pytest.approx(HARDWARE.dollars_per_hour)


def test_a_trial_of_a_class_without_a_price_has_no_cost():
    free = trial(seconds=[1.0], values=[0.1], header={"hardware": load_hardware("eight-v100")})
    assert np.isnan(free.values("dollars", "error_rate")).all()


def test_rules_that_bound_dollars_ask_for_a_class_with_a_price(for_dollars):
    rules = for_dollars.model_dump(by_alias=True) | {"hardware": "eight-v100"}
    with pytest.raises(ValueError, match="'eight-v100' has no price: give it dollars_per_hour"):
        Rules.model_validate(rules)


def test_a_trial_on_a_machine_that_is_twice_as_fast_has_half_the_budget():
    rulings = Rulings(plan(calibration=TWICE_AS_FAST), HARDWARE.limits, SPLITS)
    assert rulings.out_of_time(Reading(14.9, 14.9, 14.9)) is None
    assert "the bound is 15 s" in str(rulings.out_of_time(Reading(15.1, 15.1, 15.1)))
