import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from mlgolf.core.errors import MethodError
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode
from mlgolf.methods import ChannelsLast, MixedPrecision, compose, switches_jax, switches_torch

IMAGES = torch.arange(2 * 3 * 8 * 8, dtype=torch.float32).reshape(2, 3, 8, 8) / 100


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))


class Workload:
    """What of a facade the switches touch, and one member that they do not."""

    step_hint = 7

    def __init__(self, forward):
        self._forward, self.inputs = forward, []

    def model_fn(
        self, params, augmented_and_preprocessed_input_batch, model_state, mode, rng,
        update_batch_norm, dropout_rate=None,
    ):  # fmt: skip
        self.inputs.append(augmented_and_preprocessed_input_batch["inputs"])
        return self._forward(params, self.inputs[-1]), model_state


def called(workload, params, inputs, model_state=None):
    return workload.model_fn(
        params=params, augmented_and_preprocessed_input_batch={"inputs": inputs},
        model_state=model_state, mode=ForwardPassMode.TRAIN, rng=None, update_batch_norm=True,
    )  # fmt: skip


def test_without_switches_a_workload_is_the_same_object():
    workload = Workload(None)
    assert switches_torch.switched_workload(compose(), workload) is workload
    assert switches_jax.switched_workload(compose("channels_last"), workload) is workload


def test_channels_last_changes_the_layout_and_no_number():
    methods, model = compose("channels_last"), network()
    before = model(IMAGES)
    model = switches_torch.prepared_model(methods, model)
    workload = Workload(lambda params, inputs: params(inputs))
    after, _ = called(switches_torch.switched_workload(methods, workload), model, IMAGES)
    assert workload.inputs[0].is_contiguous(memory_format=torch.channels_last)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert_allclose(after.detach(), before.detach(), rtol=1e-4, atol=1e-5)


def test_torch_computes_in_bfloat16_and_returns_and_keeps_float32():
    seen, model = [], network()
    model[3].register_forward_hook(lambda *given: seen.append(given[2].dtype))
    workload = Workload(lambda params, inputs: params(inputs))
    switched = switches_torch.switched_workload(compose("mixed_precision"), workload)
    logits, _ = called(switched, model, IMAGES)
    logits.sum().backward()
    assert seen == [torch.bfloat16]
    assert logits.dtype is torch.float32
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}
    assert_allclose(logits.detach(), model(IMAGES).detach(), rtol=0.1, atol=0.1)


def test_jax_computes_in_bfloat16_and_returns_and_keeps_float32():
    seen = []

    def forward(params, inputs):
        seen.append((params["kernel"].dtype, inputs.dtype))
        return inputs @ params["kernel"]

    switched = switches_jax.switched_workload(compose("mixed_precision"), Workload(forward))
    params, state = {"kernel": jnp.ones((3, 2)) / 3}, {"mean": jnp.full(2, 1 / 3)}
    logits, after = called(switched, params, jnp.ones((4, 3)), state)
    slope = jax.grad(lambda p: called(switched, p, jnp.ones((4, 3)))[0].sum())(params)
    assert seen[0] == (jnp.bfloat16, jnp.bfloat16)
    assert logits.dtype == slope["kernel"].dtype == np.float32
    assert_allclose(after["mean"], 1 / 3)
    assert_allclose(logits, 1, rtol=0.01)


def test_jax_says_of_a_network_that_fails_on_bfloat16_what_to_do():
    def forward(params, inputs):
        return jax.lax.add(inputs, jnp.ones((4, 3)))

    switched = switches_jax.switched_workload(compose("mixed_precision"), Workload(forward))
    with pytest.raises(MethodError, match=r"constants in float32.*x\.dtype"):
        called(switched, {}, jnp.ones((4, 3)))


@pytest.mark.parametrize("name", ["finewebedu_lm", "imagenet_resnet"])
def test_bfloat16_goes_through_the_networks_of_workloads_in_jax(name):
    workload = load_workload(name)
    size = workload.size("mini")
    model = workload.model("jax", size)
    params, state = model.init(jax.random.PRNGKey(0))
    kind = jnp.int32 if name == "finewebedu_lm" else jnp.float32
    inputs = jnp.ones((2, *size.data.shapes["inputs"]), kind)

    def logits(params, inputs):
        found, _ = model.apply(
            params, {"inputs": inputs}, state, ForwardPassMode.TRAIN, None, True, 0.0
        )
        assert found.dtype == jnp.bfloat16
        return found

    forward = switches_jax.switched(compose("mixed_precision"), logits, ("params", "inputs"))
    traced = jax.eval_shape(lambda params: forward(params=params, inputs=inputs), params)
    assert traced.dtype == jnp.float32


def test_a_switched_workload_is_the_same_in_all_else():
    switched = switches_torch.switched_workload(compose("mixed_precision"), Workload(None))
    assert switched.step_hint == 7


def test_any_forward_pass_can_be_switched_in_a_loop_of_ones_own():
    model = network()
    forward = switches_torch.switched(compose("mixed_precision", "channels_last"), model)
    assert forward(IMAGES).dtype is torch.float32
    assert switches_torch.switched(compose(), model) is model


def test_compilation_without_a_compiler_is_refused_before_the_first_step(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(MethodError, match=r"no C\+\+ compiler 'no-such-compiler'.*Install one"):
        switches_torch.prepared_model(compose("compile"), network())


def test_a_model_on_an_accelerator_needs_no_compiler_of_cpu_kernels(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    model = network().to("meta")
    assert hasattr(switches_torch.prepared_model(compose("compile"), model), "_orig_mod")


def test_compilation_is_asked_for_by_name(monkeypatch):
    monkeypatch.setenv("CXX", sys.executable)  # any program: nothing is compiled yet
    model = switches_torch.prepared_model(compose("compile"), network())
    assert hasattr(model, "_orig_mod")
    assert switches_torch.prepared_model(compose(), model) is model
    assert hasattr(switches_jax.compiled(compose("compile"), lambda x: x), "lower")
    assert switches_jax.compiled(compose(), test_compilation_is_asked_for_by_name) is (
        test_compilation_is_asked_for_by_name
    )


@pytest.mark.parametrize("kind", [ChannelsLast, MixedPrecision])
def test_a_switch_is_on_for_all_of_training(kind):
    with pytest.raises(MethodError, match="on for all of training"):
        kind(start=0.5)
