"""A decoder-only Transformer on FineWeb-Edu, and small ones on Python's documentation."""

from mlgolf.workloads.finewebedu_lm.spec import WORKLOAD

__all__ = ["WORKLOAD"]
