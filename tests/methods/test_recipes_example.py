"""examples/recipes: what a recipe's point makes of training, and what its competition plays."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

pytest.importorskip("torch")

import linear_torch
from linear_problem import STEP_HINT, train_by_submission

from mlgolf.algorithms.nadamw import submission_torch as nadamw
from mlgolf.core.competition import load_competition

EXAMPLE = Path(__file__).parents[2] / "examples" / "recipes"
NADAMW = {
    "learning_rate": 0.1, "one_minus_beta1": 0.1, "beta2": 0.999, "weight_decay": 0.3,
    "warmup_factor": 0.25,
}  # fmt: skip
POINT = {
    **NADAMW, "optimizer": "nadamw", "schedule": "warmup_cosine", "length": 1.0, "methods": [],
    "sgd_momentum": 0.9, "sgd_weight_decay": 0.01,
}  # fmt: skip
SGD = {**POINT, "optimizer": "sgd", "schedule": "step_decay", "learning_rate": 0.01}


@pytest.fixture(scope="module")
def recipes():
    name = "example_recipes"
    found = spec_from_file_location(name, EXAMPLE / "submission_torch.py")
    sys.modules[name] = module = module_from_spec(found)  # dataclasses look themselves up there
    found.loader.exec_module(module)
    return module


def weights(module, point, steps):
    params = train_by_submission(
        module, linear_torch.LinearWorkload(), linear_torch.Linear(), point, linear_torch.KEY,
        steps=steps,
    )
    return {name: value.detach().numpy() for name, value in params.named_parameters()}


def test_with_warmup_and_cosine_nadamw_is_the_algorithm_of_that_name(recipes):
    found, expected = (weights(m, p, STEP_HINT) for m, p in ((recipes, POINT), (nadamw, NADAMW)))
    for name in expected:
        assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-7)


def test_sgd_moves_by_the_rate_times_gradient_and_decay_and_then_by_momentum_too(recipes):
    start, one, two = (weights(recipes, SGD, steps) for steps in (0, 1, 2))
    without = {**SGD, "sgd_momentum": 0.0}
    plain = weights(recipes, without, 2)
    for name in start:
        first = one[name] - start[name]
        assert np.abs(first).max() > 0
        assert_allclose(two[name] - plain[name], 0.9 * first, rtol=1e-4, atol=1e-6)


def test_step_decay_takes_a_tenth_after_half_of_training_and_again_after_three_quarters(recipes):
    factors = [recipes.learning_rate_factor(done, SGD) for done in (0, 0.49, 0.5, 0.74, 0.75, 0.99)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_warmup_begins_at_zero_and_the_cosine_ends_there(recipes):
    factors = [recipes.learning_rate_factor(done, POINT) for done in (0.0, 0.25, 1.0)]
    assert factors == pytest.approx([0, 1, 0])


def test_training_ends_with_the_schedule(recipes):
    half = {**SGD, "length": 0.5}
    ends = [weights(recipes, half, STEP_HINT // 2 + steps) for steps in (-1, 0, 1, 4)]
    for name in ends[0]:
        assert not np.array_equal(ends[0][name], ends[1][name])
        assert all(np.array_equal(end[name], ends[1][name]) for end in ends[2:])


def test_an_average_is_evaluated_and_training_goes_on_without_it(recipes):
    forgetful = {**POINT, "methods": ["ema"], "ema__half_life": 1e-3}
    found, expected = weights(recipes, forgetful, STEP_HINT), weights(recipes, POINT, STEP_HINT)
    for name in expected:
        assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-7)


def test_the_rows_are_the_four_networks_under_equal_rules():
    competition = load_competition(EXAMPLE / "recipes.toml")
    networks = [competition.workload_of(row).size(competition.played_as(row)[1]).model
                for row in competition.workloads]  # fmt: skip
    ideas = {(network.batch_norm, network.residual) for network in networks}
    assert ideas == {(a, b) for a in (True, False) for b in (True, False)}
    rules = [row.model_copy(update={"variant": ""}) for row in competition.workloads.values()]
    assert all(one == other for one, other in combinations(rules, 2))
