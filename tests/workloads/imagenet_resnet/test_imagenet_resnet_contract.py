"""The contract of a workload, kept by every variant of the mini size in both frameworks.

And that full size trains: one step of two images of 224 x 224.
"""

import numpy as np
import pytest

from mlgolf.backends import load_backend
from mlgolf.core.registry import load_workload
from mlgolf.testing.contract import ModelContract, WorkloadContract
from mlgolf.testing.training import training_pass


@pytest.mark.long
class TestMiniInTorch(WorkloadContract):
    workload, framework = "imagenet_resnet", "torch"


@pytest.mark.long
class OtherModel(ModelContract):
    workload = "imagenet_resnet"


class TestMiniInJax(OtherModel):
    size, framework = "mini", "jax"


class TestSiluInTorch(OtherModel):
    size, framework = "mini_silu", "torch"


class TestSiluInJax(OtherModel):
    size, framework = "mini_silu", "jax"


class TestGeluInTorch(OtherModel):
    size, framework = "mini_gelu", "torch"


class TestGeluInJax(OtherModel):
    size, framework = "mini_gelu", "jax"


class TestLargeBnInitInTorch(OtherModel):
    size, framework = "mini_large_bn_init", "torch"


class TestLargeBnInitInJax(OtherModel):
    size, framework = "mini_large_bn_init", "jax"


@pytest.mark.full
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_step_of_full_size_lowers_the_loss_of_its_images(framework: str):
    workload, backend = load_workload("imagenet_resnet"), load_backend(framework)
    size, rng = workload.size("full"), np.random.default_rng(0)
    model, side = workload.model(framework, size), size.data.resolution
    batch = backend.to_device({
        "inputs": rng.standard_normal((2, 3, side, side), np.float32),
        "targets": np.array([3, 5]),
    })
    params, state = model.init(backend.key(0))

    def passed():
        return training_pass(
            framework, model, params, state, batch, backend.key(1), dropout_rate=0.0
        )

    before = passed()
    slopes = before.gradients
    norm = np.sqrt(sum(float(np.square(slope).sum()) for slope in slopes.values()))
    rate = np.float32(0.1 / norm)
    arrays = {
        name: array - rate * slopes[name] if name in slopes else array.copy()
        for name, array in backend.named_arrays(params, before.model_state).items()
    }
    losses = before.outputs["per_example"].copy()
    params, state = backend.load_arrays(params, before.model_state, arrays)
    assert passed().outputs["per_example"].sum() < losses.sum()
