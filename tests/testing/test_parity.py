"""The parity of two models, by which workloads in both frameworks are tested: it can fail."""

import numpy as np
import pytest

pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from mlgolf.core.registry import load_workload  # noqa: E402
from mlgolf.testing.linear import model_jax  # noqa: E402
from mlgolf.testing.parity import assert_parity  # noqa: E402


def to_jax(arrays):
    return {"Dense_0/kernel": arrays["0.weight"].T, "Dense_0/bias": arrays["0.bias"]}


def check(to_jax=to_jax, scale=1.0):
    rng, workload = np.random.default_rng(0), load_workload("linear")
    batch = {
        "inputs": np.float32(scale) * rng.standard_normal((8, 32), np.float32),
        "targets": rng.standard_normal((8, 1), np.float32),
        "weights": (np.arange(8) < 6).astype(np.float32),
    }
    assert_parity(workload, workload.size("mini"), batch, to_jax)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_linear_models_compute_the_same(scale):
    check(scale=scale)


class DoublesTheSlopeOfItsBias(model_jax.Model):
    def apply(self, params, *arguments, **keywords):
        logits, state = super().apply(params, *arguments, **keywords)
        bias = params["Dense_0"]["bias"]
        return logits + bias - jax.lax.stop_gradient(bias), state


def test_a_wrong_gradient_is_found_beside_others_that_are_ten_thousand_times_as_large(monkeypatch):
    monkeypatch.setattr(model_jax, "Model", DoublesTheSlopeOfItsBias)
    with pytest.raises(AssertionError, match="gradients: Dense_0/bias"):
        check(scale=1e4)


class ShowsOtherLosses(model_jax.Model):
    def loss(self, *arguments, **keywords):
        loss = super().loss(*arguments, **keywords)
        return {**loss, "per_example": loss["per_example"] * 1.01}


class EvaluatesOtherwise(model_jax.Model):
    def apply(self, params, batch, model_state, mode, *arguments, **keywords):
        logits, state = super().apply(params, batch, model_state, mode, *arguments, **keywords)
        return logits + (mode.name == "EVAL"), state


class CountsPadding(model_jax.Model):
    def loss(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        return super().loss(label_batch, logits_batch)


@pytest.mark.parametrize("model", [ShowsOtherLosses, EvaluatesOtherwise, CountsPadding])
def test_another_loss_evaluation_or_mask_is_found(monkeypatch, model):
    monkeypatch.setattr(model_jax, "Model", model)
    with pytest.raises(AssertionError):
        check()


def test_a_parameter_that_is_laid_out_otherwise_is_found():
    def reversed_kernel(arrays):
        found = to_jax(arrays)
        return {**found, "Dense_0/kernel": found["Dense_0/kernel"][::-1]}

    with pytest.raises(AssertionError):
        check(reversed_kernel)
