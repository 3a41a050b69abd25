import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from mlgolf.methods.schedules import in_steps, ramp, rounded_size


def test_a_ramp_rises_linearly_between_its_ends():
    assert [ramp(p, 0.25, 0.75) for p in (0, 0.25, 0.5, 0.75, 1)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_ramp_of_no_length_is_a_jump():
    assert [ramp(p, 0.5, 0.5) for p in (0.49, 0.5)] == [0.0, 1.0]


@given(share=floats(0, 1), steps=integers(1, 50))
def test_steps_are_below_the_share_by_less_than_one_of_them(share, steps):
    stepped = in_steps(share, steps)
    assert stepped <= share + 1e-9
    assert share - stepped < 1 / steps


@pytest.mark.parametrize("steps", [3, 7, 10])
def test_whole_steps_are_not_rounded_down_to_the_one_before(steps):
    assert [in_steps(k / steps, steps) for k in range(steps + 1)] == [
        k / steps for k in range(steps + 1)
    ]


@given(size=integers(1, 300), share=floats(0, 1.2), multiple=integers(1, 16))
def test_a_rounded_size_is_a_multiple_or_the_whole(size, share, multiple):
    rounded = rounded_size(size, share, multiple)
    assert rounded == size or (rounded % multiple == 0 and 0 < rounded < size)
