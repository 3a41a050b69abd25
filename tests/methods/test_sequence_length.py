import numpy as np
import pytest
from frameworks import image_batch, in_both, numpy_of, rng, tokens
from hypothesis import given
from hypothesis.strategies import floats, integers
from numpy.testing import assert_array_equal

from mlgolf.core.errors import MethodError
from mlgolf.methods import SequenceLengthWarmup


def test_the_length_grows_from_the_shortest_to_the_whole():
    method = SequenceLengthWarmup(end=0.4)
    assert [method.length(64, p) for p in (0.0, 0.2, 0.39, 0.4, 1.0)] == [8, 32, 56, 64, 64]


@given(whole=integers(1, 2048), progress=floats(0, 1), levels=integers(1, 20))
def test_a_length_is_a_multiple_or_the_shortest_or_the_whole(whole, progress, levels):
    length = SequenceLengthWarmup(levels=levels).length(whole, progress)
    assert length == whole or (length % 8 == 0 and 8 <= length < whole)


def test_lengths_are_few():
    lengths = {SequenceLengthWarmup(levels=4).length(1024, p) for p in np.linspace(0, 1, 500)}
    assert len(lengths) == 5


@in_both
def test_truncation_keeps_the_beginning_of_every_row(as_array):
    before, after = tokens(as_array), SequenceLengthWarmup().transform(tokens(as_array), rng(), 0.0)
    for name in before:
        assert_array_equal(numpy_of(after)[name], numpy_of(before)[name][:, :8])


@in_both
def test_segments_keep_the_order_of_the_tokens_and_nearly_all_of_them(as_array):
    method = SequenceLengthWarmup(mode="segment", shortest=24)
    before, after = tokens(as_array), method.transform(tokens(as_array), rng(), 0.0)
    for name in before:
        kept = numpy_of(before)[name][:, :48]
        assert_array_equal(numpy_of(after)[name], kept.reshape(4, 24))


@in_both
def test_segments_take_the_weight_of_their_row(as_array):
    batch = tokens(as_array) | {"weights": as_array(np.array([1.0, 0.0], np.float32))}
    after = SequenceLengthWarmup(mode="segment", shortest=32).transform(batch, rng(), 0.0)
    assert_array_equal(numpy_of(after)["weights"], [1, 1, 0, 0])


@in_both
def test_behind_its_window_the_batch_is_the_same_object(as_array):
    batch = tokens(as_array)
    assert SequenceLengthWarmup().transform(batch, rng(), 0.3) is batch


@in_both
def test_images_are_refused(as_array):
    with pytest.raises(MethodError, match=r"rows of tokens, \(B, L\)"):
        SequenceLengthWarmup().transform(image_batch(as_array), rng(), 0.0)
