import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mlgolf.golf.least_loss import least_constant_loss, least_loss

SMALL = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=7)


def arrays(examples):
    inputs, targets = np.array(examples).T
    return inputs[:, None].astype(np.float32), targets


def losses(outputs, targets, form):
    """(examples,), of outputs (examples, classes), or (examples,) of numbers."""
    if form == "cross_entropy":
        logits = outputs - outputs.max(axis=1, keepdims=True)
        return (np.log(np.exp(logits).sum(axis=1))) - logits[np.arange(len(targets)), targets]
    if form == "squared_error":
        return (outputs - targets) ** 2
    return np.logaddexp(0, outputs) - outputs * targets


def by_brute_force(inputs, targets, form, of_all):
    """The least of_all(losses) over a table with an output for each different input."""
    groups = np.unique(inputs[:, 0], return_inverse=True)[1]
    shape = (groups.max() + 1, 3) if form == "cross_entropy" else (groups.max() + 1,)

    def value(table):
        return of_all(losses(table.reshape(shape)[groups], targets, form))

    start = minimize(value, np.zeros(shape).ravel() + 0.5, method="Powell").x
    return min(
        minimize(value, x, method="Nelder-Mead", options={"maxiter": 20000, "fatol": 1e-9}).fun
        for x in (start, np.zeros(shape).ravel())
    )


@settings(max_examples=25)
@given(SMALL, st.sampled_from(["cross_entropy", "squared_error", "sigmoid_cross_entropy"]))
def test_the_least_mean_loss_is_what_a_search_over_all_outputs_finds(examples, form):
    inputs, targets = arrays(examples)
    targets = targets / 2 if form == "sigmoid_cross_entropy" else targets
    found = least_loss(inputs, targets, form).mean
    assert by_brute_force(inputs, targets, form, np.mean) == pytest.approx(found, abs=2e-3)


@settings(max_examples=25)
@given(SMALL, st.sampled_from(["cross_entropy", "squared_error"]))
def test_the_least_worst_loss_is_what_a_search_over_all_outputs_finds(examples, form):
    inputs, targets = arrays(examples)
    found = least_loss(inputs, targets, form).worst
    alike = [(inputs == row).all(axis=1) for row in np.unique(inputs, axis=0)]  # no others matter
    worst = [by_brute_force(inputs[of], targets[of], form, np.max) for of in alike]
    assert max(worst) == pytest.approx(found, abs=2e-2)


@given(
    st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=2, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_no_output_of_several_positions_is_below_the_least_loss(targets, seed):
    targets = np.array(targets)
    logits = np.random.default_rng(seed).normal(scale=2.0, size=(3, 3))
    cost = -(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    of_each = np.where(targets >= 0, cost[np.arange(3), np.maximum(targets, 0)], 0).sum(axis=1)
    of_each /= np.maximum((targets >= 0).sum(axis=1), 1)
    found = least_loss(np.zeros((len(targets), 1), np.float32), targets, "cross_entropy")
    assert found.mean <= of_each.mean() + 1e-9
    assert found.worst <= of_each.max() + 1e-9


def test_different_inputs_can_be_fitted_perfectly():
    found = least_loss(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), "cross_entropy")
    assert (found.mean, found.worst, found.disagreeing) == (0.0, 0.0, ())


def test_a_pair_with_two_labels_costs_log_two_each():
    found = least_loss(np.array([[2.0], [1.0], [1.0]]), np.array([0, 1, 0]), "cross_entropy")
    assert [group.tolist() for group in found.disagreeing] == [[1, 2]]
    assert found.worst == pytest.approx(math.log(2))
    assert found.mean == pytest.approx(2 / 3 * math.log(2))


def test_zero_and_minus_zero_are_one_input():
    found = least_loss(np.array([[0.0], [-0.0]]), np.array([0, 1]), "cross_entropy")
    assert [group.tolist() for group in found.disagreeing] == [[0, 1]]


def test_a_constant_pays_the_entropy_of_the_labels():
    found = least_constant_loss(np.array([0, 0, 0, 1]), "cross_entropy")
    assert found.mean == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert found.worst == pytest.approx(math.log(2))
