"""Norms and sizes of named parameters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlgolf.measures.norms import l1, l2
from mlgolf.measures.sizes import nonzeros, params

MODEL = {"kernel": np.array([[3.0, 0.0], [-4.0, 0.0]]), "bias": np.zeros(3, dtype=np.float32)}
VALUES = st.floats(-1e6, 1e6, allow_nan=False, width=32)
VECTORS = arrays.arrays(np.float32, st.integers(1, 20), elements=VALUES)


def test_a_small_model_has_the_norms_and_sizes_that_one_counts_by_hand():
    assert (l1(MODEL), l2(MODEL), nonzeros(MODEL), params(MODEL)) == (7, 5, 2, 7)


def test_a_model_without_parameters_measures_zero():
    assert [measure({}) for measure in (l1, l2, nonzeros, params)] == [0, 0, 0, 0]


@pytest.mark.parametrize("measure", [l1, l2])
def test_a_nan_makes_a_norm_nan(measure):
    assert math.isnan(measure({"bias": np.array([1.0, np.nan])}))


def test_a_parameter_that_underflows_to_nothing_is_the_only_one_that_is_zero():
    assert nonzeros({"bias": np.array([1e-30, 0.0, -0.0, np.nan], dtype=np.float32)}) == 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_smallest_number_that_a_type_has_is_not_zero_and_minus_zero_is(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    assert nonzeros({"kernel": np.array([[smallest, -0.0], [0.0, -smallest]], dtype=dtype)}) == 2


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint64, np.bool_])
def test_numbers_of_every_type_are_counted(dtype):
    model = {"a": np.array([[0, 1], [1, 0]], dtype=dtype), "b": np.array(1, dtype=dtype),
             "c": np.zeros((0, 3), dtype=dtype)}  # fmt: skip
    assert (nonzeros(model), params(model)) == (3, 5)


@given(VECTORS, st.sampled_from([0.5, 2.0, 1024.0]))
def test_norms_grow_with_the_scale_of_the_parameters(vector, scale):
    for measure in (l1, l2):
        wider = {"p": vector.astype(np.float64) * scale}
        assert measure(wider) == pytest.approx(scale * measure({"p": vector}))


@given(VECTORS)
def test_how_parameters_are_cut_into_arrays_does_not_matter(vector):
    halves = {"a": vector[::2], "b": vector[1::2]}
    for measure in (l1, l2, nonzeros, params):
        assert measure(halves) == pytest.approx(measure({"whole": vector}))


@given(VECTORS)
def test_the_second_norm_is_at_most_the_first(vector):
    assert l2({"p": vector}) <= l1({"p": vector}) * (1 + 1e-12)
