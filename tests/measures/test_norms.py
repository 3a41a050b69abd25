"""Norms of arrays that may hold anything, against numpy, scipy and closed forms."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from threadpoolctl import threadpool_limits

from mlgolf.measures.norms import as_matrix, frobenius, l1, l2, nuclear

NORMS = [l1, l2, frobenius, nuclear]
DTYPES = ["float16", "float32", "float64", "int8", "int64", "uint64", "bool"]
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 6)
ANY_NORM = st.sampled_from(NORMS)
BEYOND = [math.nan, math.inf, -math.inf]


def near(value: float):
    """As near as the arithmetic of a few doubles comes, also to zero."""
    return pytest.approx(value, rel=1e-12, abs=1e-300)


def ordinary(dtype: str, shape=SHAPES):
    """Arrays of numbers whose squares have a sum."""
    if not dtype.startswith("float"):
        return arrays.arrays(dtype, shape)
    largest, bits = (6e4, 16) if dtype == "float16" else (2.0**20, 8 * np.dtype(dtype).itemsize)
    return arrays.arrays(dtype, shape, elements=st.floats(-largest, largest, width=bits))


MODELS = st.dictionaries(
    st.text(max_size=3), st.sampled_from(DTYPES).flatmap(ordinary), max_size=4
)
MATRICES = ordinary("float64", st.tuples(SIDES, SIDES))


def orthogonal(size: int, seed: int):
    return scipy.stats.ortho_group.rvs(size, random_state=seed) if size > 1 else np.eye(1)


def on_doubles(model):
    return [array.astype(np.float64) for array in model.values()]


# Definitions


@given(MODELS)
def test_the_first_norm_is_that_of_numpy_for_all_arrays_as_one_vector(model):
    vector = np.concatenate([[0.0], *(array.ravel() for array in on_doubles(model))])
    assert l1(model) == near(np.linalg.norm(vector, 1))


@given(MODELS)
def test_the_second_norm_is_the_root_of_the_sum_of_squares_to_the_last_bit(model):
    squares = [float(np.square(array).sum()) for array in on_doubles(model)]
    plain = math.sqrt(math.fsum(squares))
    assert l2(model) == plain or plain < 1e-150  # where squares underflow


@given(MODELS)
def test_the_sum_of_frobenius_norms_is_that_of_numpy_array_by_array(model):
    expected = sum(scipy.linalg.norm(array.ravel()) for array in on_doubles(model) if array.size)
    assert frobenius(model) == near(expected)


@given(MODELS)
def test_the_sum_of_nuclear_norms_is_that_of_numpy_array_by_array(model):
    matrices = [as_matrix(array) for array in on_doubles(model) if array.size]
    expected = sum(np.linalg.norm(matrix, "nuc") for matrix in matrices)
    assert nuclear(model) == near(expected)


@given(MATRICES)
def test_a_nuclear_norm_is_the_sum_of_the_singular_values_that_scipy_finds(matrix):
    assert nuclear({"a": matrix}) == near(scipy.linalg.svdvals(matrix).sum())


def test_one_root_of_all_squares_differs_from_a_root_for_each_array():
    model = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert (l2(model), frobenius(model)) == (5, 7)


@pytest.mark.parametrize(
    ("shape", "matrix"),
    [((), (1, 1)), ((5,), (5, 1)), ((2, 3), (2, 3)), ((8, 3, 5, 4), (8, 60)), ((0,), (0, 1)),
     ((0, 3, 2), (0, 6)), ((3, 0, 2), (3, 0)), ((2, 3, 4), (2, 12))],
)  # fmt: skip
def test_the_first_axis_of_an_array_are_the_rows_of_its_matrix(shape, matrix):
    assert as_matrix(np.zeros(shape)).shape == matrix


def test_a_row_of_the_matrix_of_kernels_is_one_filter():
    kernels = np.arange(24.0).reshape(2, 3, 2, 2)
    assert as_matrix(kernels)[1].tolist() == kernels[1].ravel().tolist()


# Closed forms


@given(SIDES, SEEDS)
def test_the_nuclear_norm_of_an_orthogonal_matrix_is_its_size(size, seed):
    assert nuclear({"q": orthogonal(size, seed)}) == near(size)


@given(ordinary("float64", SIDES), ordinary("float64", SIDES))
def test_the_nuclear_norm_of_an_outer_product_is_the_product_of_norms(left, right):
    product = scipy.linalg.norm(left) * scipy.linalg.norm(right)  # numpy's underflows
    assert nuclear({"a": np.outer(left, right)}) == near(product)


@given(ordinary("float64", st.integers(1, 6)))
def test_the_nuclear_norm_of_a_diagonal_matrix_is_the_first_norm_of_its_diagonal(diagonal):
    assert nuclear({"a": np.diag(diagonal)}) == near(l1({"a": diagonal}))


@given(ordinary("float64", st.integers(0, 20)))
def test_the_nuclear_norm_of_a_vector_is_its_second_norm(vector):
    assert nuclear({"a": vector}) == near(l2({"a": vector}))


# What makes them norms


@given(norm=ANY_NORM, model=MODELS, power=st.integers(-900, 900))
def test_a_power_of_two_scales_a_norm_exactly(norm, model, power):
    model = {name: array.astype(np.float64) for name, array in model.items()}
    with np.errstate(all="ignore"):
        scaled = {name: np.ldexp(array, power) for name, array in model.items()}
        kept = all(np.array_equal(np.ldexp(scaled[n], -power), model[n]) for n in model)
        expected = float(np.ldexp(norm(model), power))
    if kept:  # nothing became less exact near the smallest double
        assert norm(scaled) == expected


@given(norm=ANY_NORM, pair=SHAPES.flatmap(lambda s: st.tuples(*2 * [ordinary("float64", s)])))
def test_the_norm_of_a_sum_is_at_most_the_sum_of_norms(norm, pair):
    first, second = pair
    apart = norm({"a": first}) + norm({"a": second})
    assert norm({"a": first + second}) <= apart * (1 + 1e-12)


@given(MATRICES, SEEDS, SEEDS)
def test_no_rotation_of_rows_or_columns_changes_a_nuclear_norm(matrix, seed, other):
    rows, columns = matrix.shape
    rotated = orthogonal(rows, seed) @ matrix @ orthogonal(columns, other)
    assert nuclear({"a": rotated}) == near(nuclear({"a": matrix}))


@given(MODELS)
def test_norms_keep_their_order(model):
    slack = 1 + 1e-12
    assert l2(model) <= frobenius(model) * slack
    assert frobenius(model) <= math.sqrt(len(model)) * l2(model) * slack
    assert frobenius(model) <= nuclear(model) * slack <= l1(model) * slack**2


@given(MATRICES)
def test_a_nuclear_norm_is_at_most_the_root_of_the_smaller_side_times_the_frobenius_norm(matrix):
    most = math.sqrt(min(matrix.shape)) * frobenius({"a": matrix})
    assert nuclear({"a": matrix}) <= most * (1 + 1e-12)


@given(MATRICES)
def test_a_matrix_and_its_transpose_have_the_same_nuclear_norm(matrix):
    assert nuclear({"a": matrix.T}) == near(nuclear({"a": matrix}))


@given(norm=ANY_NORM, model=MODELS, order=st.randoms(use_true_random=False))
def test_a_norm_does_not_depend_on_the_order_of_the_names(norm, model, order):
    names = sorted(model)
    order.shuffle(names)
    assert norm({name: model[name] for name in names}) == norm(model)


@given(norm=ANY_NORM, matrix=MATRICES)
def test_a_norm_does_not_depend_on_how_numbers_lie_in_memory(norm, matrix):
    assert norm({"a": np.asfortranarray(matrix)}) == norm({"a": matrix})


def test_a_nuclear_norm_does_not_depend_on_the_number_of_threads():
    model = {"a": np.random.default_rng(0).normal(size=(500, 700))}
    found = set()
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.add(nuclear(model))
    assert len(found) == 1


# Anything a contestant may hand over


@given(
    norm=ANY_NORM, dtype=st.sampled_from(["float16", "float32", "float64"]),
    beyond=st.sampled_from(BEYOND), shape=arrays.array_shapes(max_dims=4, max_side=4), at=SEEDS,
    others=MODELS,
)  # fmt: skip
def test_one_number_that_is_not_finite_is_seen_wherever_it_stands(
    norm, dtype, beyond, shape, at, others
):
    hostile = np.ones(shape, dtype=dtype)
    hostile.flat[at % hostile.size] = beyond
    value = norm({**others, "hostile": hostile})
    assert math.isnan(value) if math.isnan(beyond) else value == math.inf


@pytest.mark.parametrize("norm", NORMS)
def test_a_nan_is_seen_beside_inf_in_another_array_and_in_any_order(norm):
    inf, nan = np.array([[np.inf, 1e308]]), np.array([np.nan])
    assert math.isnan(norm({"a": inf, "b": nan}))
    assert math.isnan(norm({"a": nan, "b": inf}))


@given(norm=ANY_NORM, model=st.dictionaries(
    st.text(max_size=2), arrays.arrays(st.sampled_from(["f2", "f4", "f8"]), SHAPES), max_size=3
))  # fmt: skip
def test_a_norm_of_any_numbers_is_at_least_the_largest_of_them(norm, model):
    largest = [float(np.abs(array).max()) for array in model.values() if array.size]
    value = norm(model)
    if any(math.isnan(size) for size in largest):
        assert math.isnan(value)
    else:
        assert value >= max(largest, default=0) * (1 - 1e-12)


@pytest.mark.parametrize("size", [1e200, 1e-200, 1e-300, 2.0**-1074, 1e307])
@pytest.mark.parametrize(
    ("norm", "times"), [(l1, 7), (l2, 5), (frobenius, 5), (nuclear, 7)]
)  # of 3 and 4 on a diagonal
def test_numbers_whose_squares_are_no_doubles_have_a_norm(norm, times, size):
    value = norm({"a": np.diag([3 * size, 4 * size])})
    assert value == pytest.approx(times * size, rel=1e-14, abs=0)


@pytest.mark.parametrize("norm", NORMS)
def test_what_no_double_can_hold_is_inf(norm):
    huge = np.full((2, 2), 1.7e308)
    assert norm({"a": huge}) == norm({"a": huge[0], "b": huge[1]}) == math.inf


@pytest.mark.parametrize("norm", NORMS)
def test_a_tiny_array_beside_a_huge_one_changes_nothing(norm):
    huge, tiny = np.full(4, 1e200), np.full((2, 2), 1e-200)
    assert norm({"a": huge, "b": tiny}) == norm({"a": huge})


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_type_are_measured_as_doubles(norm, dtype):
    ones = np.array([[1, 0], [1, 1]], dtype=dtype)
    assert norm({"a": ones}) == norm({"a": ones.astype(np.float64)}) > 0


@pytest.mark.parametrize("norm", NORMS)
def test_the_smallest_integer_has_a_size(norm):
    assert norm({"a": np.array([-128], dtype=np.int8)}) == near(128)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_an_empty_array_has_no_size(norm, shape):
    assert norm({"a": np.zeros(shape)}) == 0
    assert norm({"a": np.zeros(shape), "b": np.array(-2.0)}) == near(2)


@pytest.mark.parametrize("norm", NORMS)
def test_half_of_a_complex_number_is_not_dropped(norm):
    with pytest.raises(TypeError, match="complex"):
        norm({"a": np.array([1j])})


def test_singular_values_that_are_not_found_are_nan(monkeypatch):
    def fails(*arguments, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", fails)
    assert math.isnan(nuclear({"a": np.eye(2), "b": np.zeros(3)}))
