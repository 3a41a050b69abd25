"""A task for which contestants bring the model; see README.md."""

from mlgolf.workloads.onnx.spec import WORKLOAD

__all__ = ["WORKLOAD"]
