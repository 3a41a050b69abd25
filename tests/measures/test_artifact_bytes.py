"""The compressed size of a model's parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlgolf.measures.compression import compress, decompress, read_numbers
from mlgolf.measures.sizes import arrays_code, artifact_bytes

DTYPES = st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.bool_])
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9))
MODELS = st.dictionaries(st.text("abc.", max_size=3), ARRAYS, max_size=5)
RNG = np.random.default_rng(7)
WEIGHTS = RNG.standard_normal((100, 100)).astype(np.float32)


def weights(array: np.ndarray) -> float:
    return artifact_bytes({"layer.weight": array})


@given(MODELS)
def test_it_is_at_most_what_the_numbers_take_and_4_bytes_for_each_array_and_one(model):
    raw = sum(array.nbytes for array in model.values())
    assert artifact_bytes(model) <= raw + 4 * len(model) + 1


@given(MODELS, st.randoms())
def test_the_order_in_which_arrays_are_named_does_not_matter(model, random):
    names = list(model)
    random.shuffle(names)
    assert artifact_bytes({name: model[name] for name in names}) == artifact_bytes(model)


@given(MODELS)
def test_all_arrays_can_be_read_back_from_their_code_bit_for_bit_but_for_minus_zero(model):
    names = sorted(model)
    model = {name: array + array.dtype.type(0) for name, array in model.items()}
    code = decompress(compress(arrays_code(model)))
    layouts = np.frombuffer(code[: 4 * len(names)], "<u4").tolist()
    rest = iter(code[4 * len(names) :])
    found = [np.empty_like(model[name], order="C") for name in names]
    types = sorted({array.dtype.str for array in found})
    read_numbers(lambda size: bytes(next(rest) for _ in range(size)), found, layouts, types)
    assert [a.tobytes() for a in found] == [np.ascontiguousarray(model[n]).tobytes() for n in names]
    assert not [*rest]


def test_how_an_array_lies_in_memory_does_not_matter():
    assert weights(WEIGHTS.T) == weights(WEIGHTS.T.copy())
    assert weights(WEIGHTS.astype(">f4")) == weights(WEIGHTS)


def test_zeros_are_cheap():
    pruned = WEIGHTS * (RNG.random(WEIGHTS.shape) < 0.1)
    assert weights(np.zeros_like(WEIGHTS)) < 100
    assert weights(pruned) < 0.15 * weights(WEIGHTS)
    assert (np.signbit(pruned) & (pruned == 0)).any()  # which a mask leaves behind


def test_few_different_weights_are_cheap_whatever_their_scale():
    four_bits = np.clip(np.round(WEIGHTS * 4), -8, 7)
    sizes = [weights(four_bits * np.float32(scale)) for scale in (1.0, 0.1, 0.123456)]
    assert max(sizes) < 0.2 * weights(WEIGHTS)
    assert max(sizes) - min(sizes) < 100


def test_rounding_to_bfloat16_saves_more_than_half():
    rounded = (WEIGHTS.view("u4") & 0xFFFF0000).view("f4")
    assert weights(rounded) < 0.5 * weights(WEIGHTS)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e-45])
def test_a_number_that_is_not_0_is_written(number):
    array = np.zeros(1000, np.float32)
    array[RNG.permutation(1000)[:300]] = number
    assert weights(array) > weights(np.zeros(1000, np.float32)) + 30
