"""What both faces offer every submission: the same facts in PyTorch and in JAX."""

from typing import Any

import jax
import linear_jax
import linear_torch
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from linear_problem import Params, as_hyperparameters, initial_params, random_batches
from linear_problem import gradients as expected_gradients
from numpy.testing import assert_allclose, assert_array_equal

import mlgolf.jax
import mlgolf.torch

FACES = pytest.mark.parametrize("face", [mlgolf.torch, mlgolf.jax], ids=["torch", "jax"])
SCHEDULES = pytest.mark.parametrize("name", ["warmup_cosine", "warmup_linear"])
POINT = {"learning_rate": 0.1}
HINT, WARMUP_STEPS = 200, 30


class Counting:
    """The linear problem with a model state, which counts the passes."""

    def model_fn(self, *, model_state: int, **arguments: Any) -> tuple[Any, int]:
        logits, _ = super().model_fn(model_state=None, **arguments)  # type: ignore[misc]
        return logits, model_state + 1


class CountingTorch(Counting, linear_torch.LinearWorkload):
    pass


class CountingJax(Counting, linear_jax.LinearWorkload):
    pass


def problem(face: Any) -> tuple[Any, Any]:
    """(workload, parameters) of the linear problem, whose model state counts the passes."""
    if face is mlgolf.torch:
        return CountingTorch(), linear_torch.Linear()
    return CountingJax(), linear_jax.params()


def first_gradients(face: Any, **asked: Any) -> tuple[float, Params, int]:
    """(loss, gradients by name, model state after a pass) of the first batch."""
    workload, params = problem(face)
    batch = workload.batches[0]
    loss, found, state = face.gradients(workload, params, 0, batch, None, POINT, **asked)
    if face is mlgolf.torch:
        names = [name for name, _ in params.named_parameters()]
        found = dict(zip(names, found, strict=True))
    return float(loss), {name: np.asarray(value) for name, value in found.items()}, state


def clipped(face: Any, arrays: list[np.ndarray], max_norm: float) -> list[np.ndarray]:
    make = torch.tensor if face is mlgolf.torch else jax.numpy.array
    found = face.clip_by_global_norm([make(array) for array in arrays], max_norm)
    return [np.asarray(value) for value in found]


def norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum((array.astype(float) ** 2).sum() for array in arrays)))


# --- points and batches ---


@FACES
def test_self_tuning_takes_the_default_point(face):
    assert face.chosen_point(None, POINT) == POINT


@FACES
def test_a_point_of_the_tuner_is_taken_whole(face):
    point = {"learning_rate": 0.3, "beta2": 0.9}
    assert face.chosen_point(as_hyperparameters(point), {**POINT, "decay": 0.1}) == point


@FACES
def test_batches_are_taken_as_they_come(face):
    queue = iter(["first", "second"])
    taken = [
        face.data_selection(None, queue, None, None, None, None, step, None) for step in (0, 1)
    ]
    assert taken == ["first", "second"]


# --- loss and gradients ---


@FACES
def test_the_mean_is_over_the_valid_examples(face):
    workload, params = problem(face)
    loss, _ = face.mean_loss(workload, params, 0, workload.batches[0], None, POINT)
    batch, initial = random_batches()[0], initial_params()
    residuals = batch["inputs"] @ initial["weight"] + initial["bias"] - batch["targets"]
    valid = residuals[batch["weights"] == 1]
    assert float(loss.detach() if face is mlgolf.torch else loss) == pytest.approx(
        (valid**2 / 2).mean(), rel=1e-5
    )


@FACES
def test_gradients_are_those_of_the_mean_loss(face):
    _, found, _ = first_gradients(face)
    expected = expected_gradients(initial_params(), random_batches()[0])
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-5, atol=1e-6)


@FACES
def test_gradients_come_with_the_mean_loss(face):
    workload, params = problem(face)
    expected, _ = face.mean_loss(workload, params, 0, workload.batches[0], None, POINT)
    loss, _, _ = first_gradients(face)
    assert loss == pytest.approx(expected.item(), rel=1e-6)


@FACES
def test_gradients_may_be_asked_for_with_a_largest_norm(face):
    free, bounded = first_gradients(face)[1], first_gradients(face, max_norm=0.5)[1]
    norm = np.sqrt(sum(np.square(slope).sum() for slope in free.values()))
    assert norm > 0.5
    for name, slope in free.items():
        assert_allclose(bounded[name], slope * 0.5 / norm, rtol=1e-5)
    for name, slope in first_gradients(face, max_norm=2 * norm)[1].items():
        assert_allclose(slope, free[name], rtol=1e-6)


@FACES
def test_batch_sizes_are_the_published_ones(face):
    assert face.get_batch_size("ogbg") == 512
    with pytest.raises(ValueError, match="Give one of your own"):
        face.get_batch_size("mine")


@FACES
def test_gradients_come_with_the_model_state_after_one_pass(face):
    _, _, state = first_gradients(face)
    assert state == 1


def test_in_torch_a_parameter_that_the_loss_ignores_has_a_gradient_of_zeros():
    workload, module = problem(mlgolf.torch)
    module.register_parameter("unused", torch.nn.Parameter(torch.ones(2)))
    _, found, _ = mlgolf.torch.gradients(workload, module, 0, workload.batches[0], None, POINT)
    assert_array_equal(found[-1], np.zeros(2))


def test_in_torch_gradients_leave_grad_as_it_is():
    workload, module = problem(mlgolf.torch)
    mlgolf.torch.gradients(workload, module, 0, workload.batches[0], None, POINT)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_in_torch_gradients_may_be_asked_for_some_of_the_parameters():
    workload, module = problem(mlgolf.torch)
    _, (found,), _ = mlgolf.torch.gradients(
        workload, module, 0, workload.batches[0], None, POINT, tensors=[module.weight]
    )
    assert found.shape == module.weight.shape


# --- clipping ---

ELEMENTS = st.floats(-1e4, 1e4, width=32)
LISTS = st.lists(st.lists(ELEMENTS, min_size=1, max_size=4), min_size=1, max_size=3)


@FACES
@given(lists=LISTS, max_norm=st.floats(1e-3, 1e3))
def test_clipping_never_raises_the_norm_and_keeps_below_its_bound(face, lists, max_norm):
    before = [np.array(values, np.float32) for values in lists]
    after = norm(clipped(face, before, max_norm))
    assert after <= min(norm(before), max_norm) * (1 + 1e-5)


@FACES
def test_clipping_leaves_gradients_within_the_bound_as_they_are(face):
    before = [np.array([3.0], np.float32), np.array([4.0], np.float32)]
    for found, given_ in zip(clipped(face, before, 5.1), before, strict=True):
        assert_array_equal(found, given_)


@FACES
def test_clipping_keeps_the_direction_across_all_parameters(face):
    before = [np.array([3.0], np.float32), np.array([4.0], np.float32)]
    assert_allclose(np.concatenate(clipped(face, before, 1.0)), [0.6, 0.8], rtol=1e-6)


def test_in_torch_a_gradient_that_two_parameters_share_is_clipped_once():
    shared = torch.tensor([3.0, 4.0])
    found = mlgolf.torch.clip_by_global_norm([shared, shared], 1.0)
    assert norm([np.asarray(gradient) for gradient in found]) == pytest.approx(1.0, rel=1e-5)


# --- schedules ---


@FACES
@SCHEDULES
def test_a_schedule_starts_at_0(face, name):
    assert float(getattr(face, name)(0, WARMUP_STEPS, HINT)) == 0.0


@FACES
@SCHEDULES
def test_a_schedule_is_1_at_the_end_of_the_warm_up(face, name):
    assert float(getattr(face, name)(WARMUP_STEPS, WARMUP_STEPS, HINT)) == 1.0


@FACES
@SCHEDULES
def test_a_schedule_without_warm_up_starts_at_1(face, name):
    assert float(getattr(face, name)(0, 0, HINT)) == 1.0


@FACES
@SCHEDULES
@pytest.mark.parametrize("step", [HINT, HINT + 1, 10 * HINT])
def test_a_schedule_is_0_from_the_step_hint_on(face, name, step):
    assert float(getattr(face, name)(step, WARMUP_STEPS, HINT)) == 0.0


@FACES
def test_a_linear_schedule_ends_at_its_end_factor(face):
    factors = [float(face.warmup_linear(step, 30, HINT, 0.25)) for step in (HINT, 10 * HINT)]
    assert factors == [0.25, 0.25]


@FACES
@pytest.mark.parametrize(("name", "factor"), [("warmup_cosine", 0.853553), ("warmup_linear", 0.75)])
def test_a_quarter_of_the_decay_done_has_the_factor_of_the_formula(face, name, factor):
    assert float(getattr(face, name)(65, 20, 200)) == pytest.approx(factor, abs=1e-6)


@FACES
@SCHEDULES
def test_steps_and_shares_of_the_step_hint_give_the_same_factor(face, name):
    schedule = getattr(face, name)
    for step in (0, 5, 10, 40, 199, 300):
        by_share = float(schedule(step / HINT))
        assert by_share == pytest.approx(float(schedule(step, 10, HINT)), abs=1e-6)


@SCHEDULES
@given(step=st.integers(0, 300), warmup=st.integers(0, 100), decay=st.integers(1, 100))
def test_a_factor_lies_between_0_and_1(name, step, warmup, decay):
    assert 0 <= getattr(mlgolf.torch, name)(step, warmup, warmup + decay) <= 1


@SCHEDULES
def test_in_jax_a_schedule_may_stand_inside_a_compiled_step(name):
    schedule = getattr(mlgolf.jax, name)
    compiled = jax.jit(lambda step: schedule(step, WARMUP_STEPS, HINT))
    for step in (0, 15, 30, 100, 250):
        expected = getattr(mlgolf.torch, name)(step, WARMUP_STEPS, HINT)
        assert float(compiled(step)) == pytest.approx(expected, abs=1e-6)


@FACES
def test_the_constant_schedule_is_1(face):
    assert [face.constant(share) for share in (0.0, 0.5, 2.0)] == [1.0, 1.0, 1.0]
