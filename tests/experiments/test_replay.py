"""What a replay makes of recorded seconds, which are what is in question."""

import numpy as np
import pytest
from synthetic_trials import trial

from mlgolf.core.hardware import load_hardware
from mlgolf.experiments.replay import Seconds, compared

HARDWARE = load_hardware("one-thread-cpu")
SECONDS = np.arange(1.0, 11.0)


def probed(on_the_clock=SECONDS, *, speed=1.0, processor="a", **probe):
    """A trial on a machine of that speed, whose record says so unless `probe` forges it."""
    taken = HARDWARE.reference.probe_seconds / speed
    reference = HARDWARE.reference.probe_seconds
    calibration = {"seconds": taken, "spread": 0.02, "reference_seconds": reference, **probe}
    header = {"calibration": calibration, "machine": {"processor": processor}}
    values = np.zeros(len(on_the_clock))
    return trial(seconds=on_the_clock, values=values, header=header)


def seconds(recorded, again=None) -> Seconds:
    return compared(recorded, again or probed(), HARDWARE)


@pytest.mark.parametrize(
    "recorded",
    [
        probed(),
        probed(1.2 * SECONDS),
        probed(SECONDS / 2, speed=2.0, processor="twice as fast"),
        probed(SECONDS + 0.3 * (SECONDS == 1.0)),
    ],
    ids=["the same", "within the noise", "of a faster machine", "that took long to start"],
)
def test_seconds_of_an_honest_record_agree(recorded):
    assert seconds(recorded).agree


def test_of_a_tenth_of_a_second_a_third_may_be_noise_and_nine_tenths_not():
    short, slower = probed(SECONDS / 100), probed(SECONDS / 70)
    assert seconds(short, slower).agree
    assert not seconds(probed(SECONDS / 1000), slower).agree


@pytest.mark.parametrize(
    ("recorded", "because"),
    [
        (probed(SECONDS / 10), "0.10 times those now"),
        (probed(np.append(SECONDS[:-1] / 10, 10.0)), "row 1 differs: 0.10 recorded, 1.00 now"),
        (probed(SECONDS / 10, spread=20.0), "a factor of up to 1.52"),
        (probed(SECONDS / 10, speed=10.0), "of the same kind, was 10.00 times as fast"),
        (probed(SECONDS / 10, reference_seconds=0.3), "means a speed of 1.00, not 10.00"),
    ],
    ids=["all", "all rows but the last", "spread", "speed", "reference machine"],
)
def test_a_forged_record_does_not_agree_and_says_why(recorded, because):
    found = seconds(recorded)
    assert not found.agree
    assert because in found.text()


def test_a_record_without_a_probe_is_not_confirmed():
    unknown = trial(seconds=SECONDS, values=SECONDS, header={"machine": {"processor": "a"}})
    found = seconds(unknown)
    assert not found.agree
    assert "records no probe of its machine's speed" in found.text()


def test_a_class_without_a_reference_machine_compares_no_seconds():
    found = compared(probed(SECONDS / 10), probed(), load_hardware("eight-v100"))
    assert found.agree
    assert found.ratio is None


def test_seconds_that_agree_by_the_slack_of_a_start_alone_say_so():
    found = seconds(probed(SECONDS / 100), probed(SECONDS / 70))
    assert found.agree
    assert found.text().endswith("the rest is within the 0.05 s by which starts differ")
    assert "starts differ" not in seconds(probed()).text()
    assert "starts differ" not in seconds(probed(SECONDS / 10)).text()
