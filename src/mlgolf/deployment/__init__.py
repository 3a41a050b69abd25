"""Runs a model as a device would, and measures it; what it means is decided in `mlgolf.analysis`.

Everything that loads a model runs in a process of its own (`child.py`), so that a crash, its memory
and its start are the model's. `asking.py` gives such a process an order; what it can be asked for
stands in `running.py` (outputs), `timing.py`, `quantising.py` and `undoing.py`. `exporting.py`
makes files of trained models, which `from_trial.py` takes from runs.
"""
