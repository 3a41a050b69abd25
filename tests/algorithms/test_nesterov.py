"""Both submissions against the formula. They compute in single precision, the rule in double: over
20 steps their parameters, of order 1, part by a few units of the last place (1e-7) per step.
"""

from functools import partial
from pathlib import Path

import linear_jax
import linear_torch
import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers
from linear_problem import STEP_HINT, Params, initial_params, train_by_rule
from numpy.testing import assert_allclose

from mlgolf.algorithms.nesterov import rule, submission_jax, submission_torch
from mlgolf.tuning.space import Box, read_search_space

POINT = {
    "learning_rate": 0.1,
    "one_minus_beta1": 0.1,
    "weight_decay": 0.05,
    "warmup_factor": 0.25,
    "decay_steps_factor": 0.9,
    "end_factor": 0.01,
}


def by_rule(point: dict[str, float]) -> Params:
    shape = [point[k] for k in ("warmup_factor", "decay_steps_factor", "end_factor")]
    return train_by_rule(
        rule.update,
        np.zeros_like,
        lambda step: rule.learning_rate_factor(step, STEP_HINT, *shape),
        learning_rate=point["learning_rate"],
        beta=1 - point["one_minus_beta1"],
        weight_decay=point["weight_decay"],
        max_norm=point.get("grad_clip", np.inf),
    )


TRAINED = [
    pytest.param(partial(linear_torch.trained, submission_torch), id="torch"),
    pytest.param(partial(linear_jax.trained, submission_jax), id="jax"),
]


@pytest.mark.parametrize("trained", TRAINED)
@pytest.mark.parametrize("point", [POINT, {**POINT, "grad_clip": 0.5}, None])
def test_the_submission_follows_the_rule(trained, point):
    expected = by_rule(point or submission_torch.SELF_TUNING_POINT)
    assert abs(expected["weight"] - initial_params()["weight"]).max() > 0.1, "nothing was learned"
    found = trained(point)
    for name in expected:
        assert_allclose(found[name], expected[name], atol=2e-6, rtol=0)


@given(
    step=integers(0, 60),
    step_hint=integers(1, 50),
    warmup_factor=floats(0, 1),
    decay_steps_factor=floats(0, 1),
    end_factor=floats(0, 1),
)
def test_the_schedule_of_the_submission_is_that_of_the_rule(step, step_hint, **shape):
    factor = rule.learning_rate_factor(step, step_hint, **shape)
    assert 0 <= factor <= 1
    assert submission_torch.learning_rate_factor(step, step_hint, shape) == pytest.approx(factor)
    in_jax = submission_jax.learning_rate_factor(step, step_hint, shape)
    assert float(in_jax) == pytest.approx(factor, abs=1e-6)


def test_the_learning_rate_rises_to_its_peak_falls_straight_and_stays():
    steps = (0, 5, 45, 85, 100, 1000)  # the decay takes 80 of the 95 steps after the warm-up
    factors = [rule.learning_rate_factor(step, 100, 0.05, 0.85, 0.1) for step in steps]
    assert_allclose(factors, [0.0, 1.0, 0.55, 0.1, 0.1, 0.1])


def test_the_search_space_gives_what_the_submission_reads():
    folder = Path(submission_torch.__file__).parent
    space = read_search_space(folder / "tuning_search_space.json")
    assert isinstance(space, Box)
    assert space.dimensions.keys() == submission_torch.SELF_TUNING_POINT.keys()
