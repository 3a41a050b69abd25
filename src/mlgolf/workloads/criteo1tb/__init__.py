"""DLRM on Criteo's click logs, and a small one on generated logs of the same format."""

from mlgolf.workloads.criteo1tb.spec import WORKLOAD

__all__ = ["WORKLOAD"]
