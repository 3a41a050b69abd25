"""Steps on a batch that is kept, on a clock of its own."""

from itertools import islice

from mlgolf.diagnosis.replay import REPLAY_SECONDS, Replay


class Device:
    """It is one second behind whoever asks."""

    def __init__(self):
        self.now, self.waits = 0.0, 0

    def synchronize(self):
        self.waits += 1
        self.now += 1.0


def replayed(device, count, steps, seconds=2.0):
    replay = Replay(device.synchronize, lambda: device.now)
    for block in islice(replay.blocks(count), steps):
        with block:
            device.now += seconds
    return replay.facts()


def test_a_device_is_waited_for_around_the_first_step_and_around_the_others():
    device = Device()
    assert replayed(device, count=3, steps=3) == {"replay": (3 * 2.0 + 2.0) / 3, "repeats": 3}
    assert device.waits == 4


def test_a_replay_that_was_cut_short_tells_of_the_steps_that_were_waited_for():
    assert replayed(Device(), count=3, steps=2) == {"replay": 3.0, "repeats": 1}


def test_slow_steps_are_repeated_as_often_as_there_is_time_for():
    device = Device()
    assert replayed(device, count=20, steps=20, seconds=4.0)["repeats"] == 2
    assert device.now < REPLAY_SECONDS + 4.0


def test_a_step_that_takes_longer_than_there_is_time_is_repeated_once():
    assert replayed(Device(), count=20, steps=20, seconds=60.0)["repeats"] == 1
