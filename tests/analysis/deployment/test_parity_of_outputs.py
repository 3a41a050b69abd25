import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlgolf.analysis.deployment.parity import compare
from mlgolf.core.errors import DeploymentError

NUMBERS = arrays(np.float64, (5, 3), elements=st.floats(-100, 100))


@given(NUMBERS)
def test_outputs_differ_from_themselves_by_nothing(outputs):
    found = compare({"y": outputs}, {"y": outputs.copy()})
    assert (found.worst.largest, found.worst.relative, found.worst.cosine) == (
        0, 0, pytest.approx(1)
    )
    assert len(found.changed) == 0


@given(NUMBERS, st.sampled_from([0.25, 8.0]))
def test_relative_differences_do_not_depend_on_the_unit(outputs, unit):
    other = outputs + 1.0
    one = compare({"y": outputs}, {"y": other}).worst.relative
    scaled = compare({"y": unit * outputs}, {"y": unit * other}).worst.relative
    assert one == pytest.approx(scaled)


def test_a_difference_is_relative_to_the_largest_magnitude():
    found = compare({"y": np.array([[0.0, 10.0]])}, {"y": np.array([[0.1, 10.0]])})
    assert found.worst.largest == pytest.approx(0.1)
    assert found.worst.mean == pytest.approx(0.05)
    assert found.worst.relative == pytest.approx(0.01)


def test_examples_whose_decision_changed_are_numbered():
    reference = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    other = np.array([[1.0, 0.5], [0.0, 1.0], [0.0, 2.0]])
    assert compare({"y": reference}, {"y": other}).changed.tolist() == [1]


def test_of_equal_values_either_is_the_right_decision():
    reference, other = np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    assert compare({"y": reference}, {"y": other}).changed.tolist() == []


def test_nan_in_the_model_alone_differs_by_infinity_and_changes_the_decision():
    reference, other = np.array([[1.0, 0.0]]), np.array([[np.nan, np.nan]])
    found = compare({"y": reference}, {"y": other})
    assert found.worst.relative == np.inf
    assert found.changed.tolist() == [0]


def test_nan_and_infinity_in_the_same_places_are_equal():
    outputs = np.array([[np.nan, np.inf, 1.0]])
    assert compare({"y": outputs}, {"y": outputs.copy()}).worst.relative == 0


def test_outputs_of_another_shape_differ_by_infinity():
    found = compare({"y": np.ones((2, 3, 4))}, {"y": np.ones((2, 4, 3))})
    assert found.worst.relative == np.inf
    assert found.changed is None


def test_a_reference_of_zeros_is_met_by_zeros_alone():
    zeros = np.zeros((2, 2))
    assert compare({"y": zeros}, {"y": zeros}).worst.relative == 0
    assert compare({"y": zeros}, {"y": zeros + 1e-9}).worst.relative == np.inf


def test_other_numbers_of_examples_are_refused_with_both():
    with pytest.raises(DeploymentError, match=r"3 in the reference 'y' and 2 in the model's"):
        compare({"y": np.ones((3, 2))}, {"y": np.ones((2, 2))})
