"""The contract of a workload, kept by every variant of the mini size in both frameworks."""

import pytest

from mlgolf.testing.contract import ModelContract, WorkloadContract

pytestmark = pytest.mark.long


class TestMiniInTorch(WorkloadContract):
    workload, framework = "criteo1tb", "torch"


class OtherModel(ModelContract):
    workload = "criteo1tb"


class TestMiniInJax(OtherModel):
    size, framework = "mini", "jax"


class TestLayernormInTorch(OtherModel):
    size, framework = "mini_layernorm", "torch"


class TestLayernormInJax(OtherModel):
    size, framework = "mini_layernorm", "jax"


class TestEmbedInitInTorch(OtherModel):
    size, framework = "mini_embed_init", "torch"


class TestEmbedInitInJax(OtherModel):
    size, framework = "mini_embed_init", "jax"


class TestResnetInTorch(OtherModel):
    size, framework = "mini_resnet", "torch"


class TestResnetInJax(OtherModel):
    size, framework = "mini_resnet", "jax"
