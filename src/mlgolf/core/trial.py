"""A trial: one measured run of one submission on one workload. Columnar, frozen, free of files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.quantities import quantity
from mlgolf.core.status import Status


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrialKey:
    """Which trial of a run. `study` counts from 0 and `trial` from 1, as AlgoPerf's folders do."""

    submission: str
    framework: str  # "torch" or "jax"
    workload: str
    study: int
    trial: int

    def __str__(self) -> str:
        study = f"{self.submission}/study_{self.study}"
        return f"{study}/{self.workload}_{self.framework}/trial_{self.trial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the referee wrote down. The arrays have one entry per evaluation, in order."""

    key: TrialKey
    seed: int
    hyperparameters: Mapping[str, Any]  # empty in self-tuning
    status: Status | None  # None: it has no verdict yet
    reason: str
    steps: IntArray  # completed update_params calls
    seconds: FloatArray  # on the clock, never falling
    cpu_seconds: FloatArray
    wall_seconds: FloatArray
    metrics: Mapping[str, FloatArray]  # "validation/error_rate" -> values; NaN where not measured
    charged_seconds: FloatArray | None = None  # what each evaluation cost beyond its free share
    unofficial: str = ""  # why it may not stand beside official trials; empty: it may
    header: Mapping[str, Any] = field(default_factory=dict)  # trial.json as written

    @property
    def speed(self) -> float:
        """Times as fast as its class's reference machine its own was; 1 where nobody measured."""
        return (self.header.get("calibration") or {}).get("speed", 1.0)

    def values(self, name: str, metric: str) -> FloatArray:
        """A quantity at every evaluation. `metric` is the workload's, e.g. "error_rate"."""
        return quantity(name).of(self.columns, metric)

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """What was measured, by name: the clocks, the steps, and the metrics of each split."""
        return {
            "seconds": self.seconds, "cpu_seconds": self.cpu_seconds,
            "wall_seconds": self.wall_seconds, "steps": self.steps.astype(np.float64),
            **self.metrics,
        }
