"""Workloads, one folder each: README, spec.py, data.py, metrics.py, model_torch.py, model_jax.py.

What each of those modules offers is said by the protocols in `mlgolf.core.workload`. A size or a
variant is a row of numbers in `spec.py`; the code is the same for all of them. `parts/` holds what
two of them use; `cost_shares.toml` says how much of a step NadamW's update takes.
"""
