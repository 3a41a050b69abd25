"""A wrong return is named at once: which entry, what was found, what was expected."""

import re
from typing import Any

import jax.numpy as jnp
import pytest
import torch

from mlgolf.backends import load_backend
from mlgolf.core.errors import SubmissionError
from mlgolf.player.returned import Returned

MODULE = torch.nn.Linear(3, 1)
TREE = {"Dense_0": {"kernel": jnp.ones((3, 1))}}
STATS = {"batch_stats": {"mean": jnp.ones(3)}}
STATE = {"optimizer": 1}


def torch_returned() -> Returned:
    return Returned(load_backend("torch"), MODULE, None)


def jax_returned(model_state: Any = None) -> Returned:
    return Returned(load_backend("jax"), TREE, model_state)


def refusal(returned: Returned, *values: Any) -> str:
    with pytest.raises(SubmissionError) as refused:
        returned.check("update_params", *values)
    return str(refused.value)


def test_the_right_order_passes():
    torch_returned().check("update_params", STATE, MODULE, None)
    torch_returned().check("update_params", None, torch.nn.DataParallel(MODULE), {})
    jax_returned().check("update_params", (1, len), dict(TREE), None)
    jax_returned(STATS).check("update_params", TREE, TREE, dict(STATS))  # a velocity, say


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((MODULE, STATE, None), "second value that it returned, params, must be the model, a"),
        ((MODULE, STATE, None), "found a dict with keys 'optimizer'"),
        ((MODULE, STATE, None), "It is the first value instead"),
        ((STATE, None, MODULE), "torch.nn.Module; found None"),
        ((None, MODULE, STATE), "third value that it returned, model_state, must be None"),
    ],
)
def test_a_wrong_order_is_named_in_torch(values, expected):
    said = refusal(torch_returned(), *values)
    assert expected in said
    assert said.endswith("Return (optimizer_state, params, model_state), in this order.")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((TREE, (1, len), STATS), "the tree of parameters, a dict"),
        ((TREE, (1, len), STATS), "found a tuple of 2. It is the first value instead"),
        ((STATE, STATS, TREE), "found a dict with keys 'batch_stats'"),
        ((STATE, TREE, None), "model_state, must be a dict with keys 'batch_stats'; found None"),
    ],
)
def test_a_wrong_order_is_named_in_jax(values, expected):
    assert expected in refusal(jax_returned(STATS), *values)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (torch.nn.Linear(4, 1), "have (1, 4) for 'weight', but the workload has (1, 3) there"),
        (torch.nn.Linear(3, 1, bias=False), "have nothing for 'bias'"),
    ],
)
def test_a_parameter_of_another_shape_is_named_when_it_is_handed_over(found, expected):
    with pytest.raises(SubmissionError, match=re.escape(expected)):
        torch_returned().check_shapes(found)


def test_a_parameter_too_many_is_named_by_its_path():
    more = {"Dense_0": {**TREE["Dense_0"], "extra": jnp.ones(1)}}
    with pytest.raises(SubmissionError, match="have 'Dense_0/extra', which the workload does not"):
        jax_returned().check_shapes(more)
