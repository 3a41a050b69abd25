"""ResNet-50 on ImageNet, and a small one on pairs of handwritten digits."""

from mlgolf.workloads.imagenet_resnet.spec import WORKLOAD

__all__ = ["WORKLOAD"]
