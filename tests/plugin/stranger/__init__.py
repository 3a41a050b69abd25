"""Which recordings of a sensor show a rare event? By average precision, which is no mean."""

from stranger.spec import WORKLOAD

__all__ = ["WORKLOAD"]
