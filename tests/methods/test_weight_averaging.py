"""Both frameworks against the formula, in double precision by numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from frameworks import rng
from numpy.testing import assert_allclose
from torch import nn

from mlgolf.methods import EMA, LAWA, weight_averaging_jax, weight_averaging_torch

STEPS = 9
WEIGHTS = rng(7).normal(size=(STEPS, 4)).astype(np.float32)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("count", torch.tensor(0))


def averaged_by_torch(method, weights=WEIGHTS):
    model = Model()
    averages = weight_averaging_torch.Averages(method, model)
    for step, row in enumerate(weights):
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(row))
            model.mean.copy_(torch.from_numpy(2 * row))
            model.count += 1
        averages.update(step, step / len(weights))
    found = averages.evaluated(1.0)
    assert_allclose(model.weight.detach(), weights[-1], err_msg="training does not go on")
    assert_allclose(found.mean, 2 * found.weight.detach(), rtol=1e-5)
    return found.weight.detach().numpy()


def averaged_by_jax(method, weights=WEIGHTS):
    averages = weight_averaging_jax.Averages(method)
    gives_up = jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf + 0, tree), donate_argnums=0)
    for step, row in enumerate(weights):
        tree = {"weight": jnp.array(row)}
        averages.update(tree, step, step / len(weights))
        tree = gives_up(tree)
    found = averages.evaluated(tree, 1.0)
    if found is not tree:
        gives_up(found)  # who evaluates may give the average up
        found = averages.evaluated(tree, 1.0)
    return np.asarray(found["weight"])


averaged_by_both = pytest.mark.parametrize(
    "averaged",
    [pytest.param(averaged_by_torch, id="torch"), pytest.param(averaged_by_jax, id="jax")],
)


@averaged_by_both
def test_the_exponential_average_follows_its_formula(averaged):
    expected = WEIGHTS[0].astype(float)
    for row in WEIGHTS[1:]:
        expected = 0.5 ** (1 / 3) * expected + (1 - 0.5 ** (1 / 3)) * row
    assert_allclose(averaged(EMA(half_life=3)), expected, rtol=1e-5, atol=1e-6)


@averaged_by_both
def test_an_average_of_every_third_step_forgets_as_fast_as_one_of_each(averaged):
    expected = WEIGHTS[0].astype(float)
    for row in WEIGHTS[3::3]:
        expected = 0.5 * expected + 0.5 * row
    assert_allclose(averaged(EMA(half_life=3, every=3)), expected, rtol=1e-5, atol=1e-6)


@averaged_by_both
def test_lawa_is_the_mean_of_the_latest_checkpoints(averaged):
    expected = WEIGHTS[[4, 6, 8]].mean(axis=0)
    assert_allclose(averaged(LAWA(every=2, checkpoints=3)), expected, rtol=1e-5, atol=1e-6)


@averaged_by_both
def test_an_average_begins_with_its_window(averaged):
    expected = averaged(EMA(half_life=3), WEIGHTS[6:])
    assert_allclose(averaged(EMA(half_life=3, start=0.6)), expected, rtol=1e-6)


@averaged_by_both
@pytest.mark.parametrize("method", [EMA, LAWA])
def test_behind_its_window_the_weights_themselves_are_evaluated(averaged, method):
    assert_allclose(averaged(method(end=0.5)), WEIGHTS[-1])


@averaged_by_both
def test_before_anything_is_averaged_the_weights_themselves_are_evaluated(averaged):
    assert_allclose(averaged(LAWA(every=100, start=0.5)), WEIGHTS[-1])


def test_two_half_lives_leave_a_quarter():
    assert EMA(half_life=10).decay ** 20 == pytest.approx(0.25)
