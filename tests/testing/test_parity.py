"""The parity of two models, by which workloads in both frameworks are tested: it can fail."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

from mlgolf.core.registry import load_workload
from mlgolf.testing.linear import model_jax
from mlgolf.testing.parity import assert_parity


def to_jax(arrays):
    return {"Dense_0/kernel": arrays["0.weight"].T, "Dense_0/bias": arrays["0.bias"]}


def check(to_jax=to_jax):
    rng, workload = np.random.default_rng(0), load_workload("linear")
    batch = {
        "inputs": rng.standard_normal((8, 32), np.float32),
        "targets": rng.standard_normal((8, 1), np.float32),
        "weights": (np.arange(8) < 6).astype(np.float32),
    }
    assert_parity(workload, workload.size("mini"), batch, to_jax)


def test_the_linear_models_compute_the_same():
    check()


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
