"""What every workload promises, on images: its data are made six times, so it takes minutes."""

import pytest

from mlgolf.testing.contract import WorkloadContract

pytestmark = pytest.mark.long


class TestImagenetResnetInTorch(WorkloadContract):
    workload, framework = "imagenet_resnet", "torch"


class TestImagenetResnetInJax(WorkloadContract):
    workload, framework = "imagenet_resnet", "jax"
