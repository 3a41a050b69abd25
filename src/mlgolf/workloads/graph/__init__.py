"""A network and data that a competition declares; see README.md."""

from mlgolf.workloads.graph.spec import WORKLOAD

__all__ = ["WORKLOAD"]
