from hypothesis import given
from hypothesis.strategies import floats

from mlgolf.plots.log_axis import log_ticks


def test_a_range_has_ticks_at_1_2_and_5():
    assert log_ticks(80, 900, 300) == [100, 200, 500]
    assert log_ticks(0.3, 40, 400) == [0.5, 1, 2, 5, 10, 20]


def test_a_range_that_has_few_of_these_has_others_up_to_its_end():
    assert log_ticks(13_600, 45_000, 300) == [15_000, 20_000, 30_000, 40_000]


def test_labels_that_have_no_room_are_left_out():
    powers = [10.0 ** power for power in range(-6, 7)]
    assert log_ticks(1e-6, 1e6, 200, vertical=True) == powers[::2]


@given(low=floats(1e-9, 1e9), ratio=floats(1.001, 1e9), pixels=floats(100, 800))
def test_every_axis_has_two_ticks_at_least_and_all_are_within(low, ratio, pixels):
    for vertical in (True, False):
        ticks = log_ticks(low, low * ratio, pixels, vertical=vertical)
        assert len(ticks) >= 2
        assert low <= ticks[0] < ticks[-1] <= low * ratio
