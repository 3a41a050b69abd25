"""Measures where the time of a training step goes; what it means is decided in `mlgolf.analysis`.

`workloads.py` has a workload measured by `measuring.py`, in a process that has the environment of a
trial and through a `Job` that torch and JAX each have; `scripts.py` runs a person's own script with
`observe` switched on.
"""
