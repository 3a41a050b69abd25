"""The bits of labels, and log probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax as reference

from mlgolf.core.errors import ModelError
from mlgolf.measures.label_bits import example_bits, label_bits, log_softmax

LOGITS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 8), st.integers(1, 6)),
    elements=st.floats(-2.0**99, 2.0**99, width=32),
)  # fmt: skip


@given(LOGITS)
def test_log_probabilities_are_those_of_scipy(logits):
    np.testing.assert_allclose(
        log_softmax(logits), reference(logits.astype(np.float64), axis=1), rtol=1e-12, atol=1e-12
    )


@given(LOGITS)
def test_probabilities_of_a_row_sum_to_one(logits):
    np.testing.assert_allclose(np.exp(log_softmax(logits)).sum(axis=1), 1, rtol=1e-12)


def test_equal_logits_cost_the_bits_that_one_counts_by_hand():
    assert label_bits(log_softmax(np.zeros((10, 8), np.float32)), np.arange(10) % 8) == 30


def test_a_label_that_is_certain_costs_nothing_and_never_less():
    bits = example_bits(log_softmax(np.array([[0, -np.inf], [1e30, -1e30]])), np.array([0, 0]))
    assert [str(float(b)) for b in bits] == ["0.0", "0.0"]


@pytest.mark.parametrize(
    "row", [[-np.inf, 0], [np.nan, 0], [np.inf, 0], [0, np.nan], [-np.inf, -np.inf]]
)
def test_a_label_without_a_probability_above_zero_costs_infinitely_many_bits(row):
    logits = np.array([row, [0, 0]], np.float32)
    assert example_bits(log_softmax(logits), np.array([0, 0])).tolist() == [math.inf, 1]
    assert label_bits(log_softmax(logits), np.array([0, 0])) == math.inf


def test_a_class_of_probability_zero_may_be_said_of_a_wrong_label():
    assert label_bits(log_softmax(np.array([[0, -np.inf, 0]], np.float32)), np.array([2])) == 1


@pytest.mark.parametrize(
    "targets", [np.zeros(3, int), np.zeros(2), np.array([0, 2]), np.array([-1, 0])]
)
def test_targets_that_are_no_classes_of_the_rows_are_refused(targets):
    with pytest.raises(ModelError, match="targets"):
        label_bits(np.zeros((2, 2)), targets)
