"""Measures where the time of a training step goes; what it means is decided in `mlgolf.analysis`.

A workload is measured by `measuring.py`, through a `Job` that torch and JAX each have; a person's
own script by `scripts.py`, which runs it with `observe` switched on.
"""
