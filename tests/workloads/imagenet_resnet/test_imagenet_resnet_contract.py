"""What every workload promises."""

from mlgolf.testing.contract import WorkloadContract


class TestImagenetResnetInTorch(WorkloadContract):
    workload, framework = "imagenet_resnet", "torch"


class TestImagenetResnetInJax(WorkloadContract):
    workload, framework = "imagenet_resnet", "jax"
