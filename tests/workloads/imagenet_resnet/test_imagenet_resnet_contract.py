"""The contract of a workload, kept by every variant of the mini size in both frameworks.

And that full size trains: one step of two images of 224 x 224.
"""

import numpy as np
import pytest

from mlgolf.core.registry import load_workload
from mlgolf.testing.contract import ModelContract, WorkloadContract
from mlgolf.testing.step import assert_step_lowers_the_loss


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


class TestPlainInTorch(OtherModel):
    size, framework = "mini_plain", "torch"


class TestPlainInJax(OtherModel):
    size, framework = "mini_plain", "jax"


class TestNoResidualInTorch(OtherModel):
    size, framework = "mini_no_residual", "torch"


class TestNoResidualInJax(OtherModel):
    size, framework = "mini_no_residual", "jax"


class TestNoBatchNormInTorch(OtherModel):
    size, framework = "mini_no_batch_norm", "torch"


class TestNoBatchNormInJax(OtherModel):
    size, framework = "mini_no_batch_norm", "jax"


@pytest.mark.full
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_step_of_full_size_lowers_the_loss_of_its_images(framework: str):
    workload = load_workload("imagenet_resnet")
    size = workload.size("full")
    batch = {
        "inputs": np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32),
        "targets": np.array([3, 5]),
    }
    assert_step_lowers_the_loss(workload, size, framework, batch)
