"""Blocks that two workloads use, at least."""
