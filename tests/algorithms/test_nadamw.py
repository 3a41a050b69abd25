"""Both submissions against the formula. They compute in single precision, the rule in double: over
20 steps their parameters, of order 1, part by a few units of the last place (1e-7) per step. JAX
rounds 1 - beta^t as well, relatively by 1e-5 at beta = 0.999.
"""

import json
from functools import partial
from pathlib import Path

import linear_jax
import linear_torch
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.strategies import floats, integers
from linear_problem import (
    STEP_HINT,
    Params,
    as_hyperparameters,
    initial_params,
    train_by_rule,
    train_by_submission,
)
from numpy.testing import assert_allclose

from mlgolf.algorithms.nadamw import rule, submission_jax, submission_torch
from mlgolf.tuning.optlist import OptList
from mlgolf.tuning.space import Box, parse_search_space, read_search_space

POINT = {
    "learning_rate": 0.1,
    "one_minus_beta1": 0.1,
    "beta2": 0.999,
    "weight_decay": 0.3,
    "warmup_factor": 0.25,
}
TRAINED = [
    pytest.param(partial(linear_torch.trained, submission_torch), 2e-6, id="torch"),
    pytest.param(partial(linear_jax.trained, submission_jax), 2e-5, id="jax"),
]


def by_rule(point: dict[str, float]) -> Params:
    return train_by_rule(
        rule.update,
        rule.initial_state,
        lambda step: rule.learning_rate_factor(step, STEP_HINT, point["warmup_factor"]),
        learning_rate=point["learning_rate"],
        beta1=1 - point["one_minus_beta1"],
        beta2=point["beta2"],
        weight_decay=point["weight_decay"],
        max_norm=point.get("grad_clip", np.inf),
    )


@pytest.mark.parametrize(("trained", "tolerance"), TRAINED)
def test_the_submission_follows_the_rule(trained, tolerance):
    expected = by_rule(POINT)
    assert abs(expected["weight"] - initial_params()["weight"]).max() > 0.1, "nothing was learned"
    assert_same(trained(POINT), expected, tolerance)


@pytest.mark.parametrize(("trained", "tolerance"), TRAINED)
def test_gradients_are_clipped_to_a_joint_norm_if_the_point_asks_for_it(trained, tolerance):
    point = {**POINT, "grad_clip": 0.5}
    assert_same(trained(point), by_rule(point), tolerance)


@pytest.mark.parametrize(("trained", "tolerance"), TRAINED)
def test_self_tuning_takes_the_documented_point(trained, tolerance):
    assert submission_torch.SELF_TUNING_POINT == submission_jax.SELF_TUNING_POINT
    assert_same(trained(None), by_rule(submission_torch.SELF_TUNING_POINT), tolerance)


@pytest.mark.parametrize(
    ("submission", "module", "params", "key"),
    [
        pytest.param(submission_torch, linear_torch, linear_torch.Linear, None, id="torch"),
        pytest.param(submission_jax, linear_jax, linear_jax.params, np.zeros(2), id="jax"),
    ],
)
def test_dropout_and_label_smoothing_are_set_only_where_the_point_has_them(
    submission, module, params, key
):
    workload = module.LinearWorkload()
    train_by_submission(submission, workload, params(), POINT, key, steps=1)
    assert (workload.model_keywords, workload.loss_keywords) == ({}, {"label_smoothing": 0.0})
    point = {**POINT, "dropout_rate": 0.3, "label_smoothing": 0.2}
    train_by_submission(submission, workload, params(), point, key, steps=1)
    assert workload.model_keywords == {"dropout_rate": 0.3}
    assert workload.loss_keywords == {"label_smoothing": 0.2}


def test_the_optimizer_goes_on_from_a_saved_state_as_if_it_had_never_stopped():
    first, second = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    constants = {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1}
    unbroken = submission_torch.NadamW([first], **constants)
    before = submission_torch.NadamW([second], **constants)
    for optimizer in (unbroken, before):
        optimizer.step((torch.full((3,), 0.5),), 0.1)
    after = submission_torch.NadamW([second], **constants)
    after.load_state_dict(before.state_dict())
    for optimizer in (unbroken, after):
        optimizer.step((torch.full((3,), -0.2),), 0.1)
    assert torch.equal(first, second)


def test_a_parameter_that_the_loss_ignores_decays_like_the_rest():
    module = linear_torch.Linear()
    module.register_parameter("unused", torch.nn.Parameter(torch.ones(())))
    workload = linear_torch.LinearWorkload()
    train_by_submission(submission_torch, workload, module, POINT, None)
    assert 0 < module.get_parameter("unused").item() < 1


@given(step=integers(0, 60), step_hint=integers(1, 50), warmup_factor=floats(0, 1))
def test_the_schedule_of_the_submission_is_that_of_the_rule(step, step_hint, warmup_factor):
    factor = rule.learning_rate_factor(step, step_hint, warmup_factor)
    assert 0 <= factor <= 1
    point = {"warmup_factor": warmup_factor}
    found = submission_torch.learning_rate_factor(step, step_hint, point)
    assert found == pytest.approx(factor, abs=1e-12)


def test_the_learning_rate_rises_from_0_to_its_peak_and_ends_at_0():
    factors = [rule.learning_rate_factor(step, 100, 0.05) for step in (0, 5, 100, 1000)]
    assert_allclose(factors, [0.0, 1.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("submission", [submission_torch, submission_jax])
def test_batch_sizes_are_the_published_ones_and_other_names_are_a_value_error(submission):
    assert submission.get_batch_size("criteo1tb") == 262_144
    assert submission.get_batch_size("imagenet_resnet") == 1024
    with pytest.raises(ValueError, match="imagenet_resnet_silu"):
        submission.get_batch_size("imagenet_resnet_silu")


def test_the_search_space_gives_what_the_submission_reads():
    folder = Path(submission_torch.__file__).parent
    space = read_search_space(folder / "tuning_search_space.json")
    assert isinstance(space, Box)
    point = space.at([0.5] * len(space.dimensions))
    assert point.keys() == submission_torch.SELF_TUNING_POINT.keys()
    assert as_hyperparameters(point).warmup_factor == 0.05


def test_the_published_points_are_five_and_give_what_the_submission_reads():
    folder = Path(submission_torch.__file__).parent
    points = parse_search_space(json.loads((folder / "published_points.json").read_text()))
    assert isinstance(points, OptList)
    assert len(points) == 5
    asked = {*submission_torch.SELF_TUNING_POINT, "dropout_rate", "label_smoothing"}
    assert all(point.keys() == asked for point in points.entries)


def assert_same(found: Params, expected: Params, tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        assert_allclose(found[name], expected[name], atol=tolerance, rtol=0)
