"""Steps on a batch that is kept, on a clock of its own."""

from mlgolf.diagnosis.replay import Replay


class Device:
    """It is one second behind whoever asks."""

    def __init__(self):
        self.now, self.waits = 0.0, 0

    def synchronize(self):
        self.waits += 1
        self.now += 1.0


def replayed(device, count, steps):
    replay = Replay(device.synchronize, lambda: device.now)
    for block in [*replay.blocks(count)][:steps]:
        with block:
            device.now += 2.0
    return replay.facts()


def test_a_device_is_waited_for_before_the_first_step_and_after_the_last():
    device = Device()
    assert replayed(device, count=4, steps=4) == {"replay": (4 * 2.0 + 1.0) / 4}
    assert device.waits == 2


def test_a_replay_that_was_cut_short_tells_nothing():
    assert replayed(Device(), count=4, steps=3) == {}
