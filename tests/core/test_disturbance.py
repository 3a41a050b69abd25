"""Which trials count as disturbed: by what the machine did around them alone."""

import pytest
from hypothesis import assume, given
from hypothesis.strategies import builds, floats, integers, just, none, one_of, sampled_from

from mlgolf.core.disturbance import disturbance
from mlgolf.core.records import Background, Calibration

SECONDS = floats(0.001, 10)
SHARES = floats(0, 1)
READINGS = one_of(none(), SECONDS)
BACKGROUNDS = builds(
    Background, before=READINGS, after=READINGS, stolen=SHARES, others=floats(0, 64),
    other_cores=integers(0, 64),
)  # fmt: skip
CALIBRATIONS = one_of(
    none(), builds(Calibration, seconds=SECONDS, spread=just(0.0), reference_seconds=just(1.0))
)
THRESHOLDS = floats(0.01, 1)
QUIET = Background(before=0.03, after=0.03, wall_seconds=9.0, other_cores=1)
CALIBRATION = Calibration(seconds=0.03, spread=0.0, reference_seconds=0.03)


def disturbed(calibration=CALIBRATION, above=0.1, **changes) -> str:
    return disturbance(QUIET.model_copy(update=changes), calibration, above)


def test_a_trial_on_a_machine_that_stays_as_it_was_is_not_disturbed():
    assert disturbed() == ""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_probe_that_took_longer_says_when_and_by_how_much(when):
    assert disturbed(**{when: 0.036}) == (
        f"the probe of the machine's speed took 20.0% longer {when} it than at its best, the rules "
        "allow 10%"
    )


def test_a_probe_that_took_longer_than_the_calibration_on_both_sides_is_told():
    assert "took 50.0% longer" in disturbed(before=0.045, after=0.045)


def test_without_a_calibration_the_two_probes_are_compared():
    assert disturbed(None, before=0.045, after=0.045) == ""
    assert "took 50.0% longer before it" in disturbed(None, before=0.045)


def test_time_that_a_virtual_machine_was_not_given_is_told():
    assert disturbed(stolen=0.2).startswith("20.0% of its core's time was given to other virtual")


def test_a_neighbour_in_the_middle_of_a_trial_is_told_where_the_probes_saw_none():
    assert disturbed(above=0.05, others=0.9) == (
        "other programs kept 0.9 of 1 core busy beside it"
    )


def test_a_neighbour_on_one_of_many_cores_is_none():
    assert disturbed(above=0.05, others=0.9, other_cores=31) == ""


def test_a_probe_that_failed_makes_a_trial_disturbed():
    assert disturbed(after=None, problem="the probe failed: no answer") == (
        "the probe failed: no answer"
    )


def test_beside_other_trials_of_the_run_nothing_is_told():
    assert disturbed(before=None, after=None, beside_trials=True, others=1.0, above=0.05) == ""


@given(background=BACKGROUNDS, calibration=CALIBRATIONS, above=THRESHOLDS, more=floats(1, 10))
def test_rules_that_allow_more_disturb_no_further_trial(background, calibration, above, more):
    assume(not disturbance(background, calibration, above))
    assert not disturbance(background, calibration, above * more)


@given(background=BACKGROUNDS, calibration=CALIBRATIONS, above=THRESHOLDS)
def test_it_does_not_matter_on_which_side_a_probe_was_slow(background, calibration, above):
    swapped = background.model_copy(
        update={"before": background.after, "after": background.before}
    )
    found = (disturbance(each, calibration, above) for each in (background, swapped))
    assert len({bool(words) for words in found}) == 1


@given(
    background=BACKGROUNDS, calibration=CALIBRATIONS, above=THRESHOLDS,
    unit=sampled_from([0.5, 2.0, 1024.0]),  # powers of two: exact
)
def test_the_unit_of_time_does_not_matter(background, calibration, above, unit):
    def scaled(seconds):
        return None if seconds is None else seconds * unit

    there = background.model_copy(
        update={"before": scaled(background.before), "after": scaled(background.after)}
    )
    other = calibration and calibration.model_copy(
        update={"seconds": calibration.seconds * unit}
    )
    here = disturbance(background, calibration, above)
    assert bool(disturbance(there, other, above)) == bool(here)


@given(background=BACKGROUNDS, calibration=CALIBRATIONS, above=THRESHOLDS, more=SHARES)
def test_a_busier_machine_makes_no_trial_quiet(background, calibration, above, more):
    assume(disturbance(background, calibration, above))
    busier = background.model_copy(
        update={"others": background.others + more, "stolen": background.stolen + more}
    )
    assert disturbance(busier, calibration, above)
