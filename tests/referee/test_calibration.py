"""How fast machines are, and what that does to budgets."""

import pytest
from plans import LINEAR, plan

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading
from mlgolf.core.workload import SPLITS
from mlgolf.referee.calibration import Calibration, calibrate
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


def test_a_trial_on_a_machine_that_is_twice_as_fast_has_half_the_budget():
    rulings = Rulings(plan(calibration=TWICE_AS_FAST), HARDWARE.limits, SPLITS)
    assert rulings.out_of_time(Reading(14.9, 14.9, 14.9)) is None
    assert "the bound is 15 s" in str(rulings.out_of_time(Reading(15.1, 15.1, 15.1)))
