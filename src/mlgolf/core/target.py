"""Targets: the one place that decides whether a metric has reached its goal."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray


class Goal(StrEnum):
    """Which way is better."""

    MINIMISE = "minimise"
    MAXIMISE = "maximise"

    @property
    def sign(self) -> float:
        """What makes values of which smaller is better."""
        return 1.0 if self is Goal.MINIMISE else -1.0

    @property
    def limit(self) -> str:
        """Before a bound, in sentences."""
        return "at most" if self is Goal.MINIMISE else "at least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound on a metric: a target, or what a constraint becomes once its number is known."""

    metric: str
    value: float
    goal: Goal  # declared here, never guessed from the metric's name
    strict: bool = False  # whether it must be beaten

    def met_by(self, values: FloatArray) -> BoolArray:
        """Where finite values meet the target. To equal it is enough unless strict."""
        if self.strict:
            met = values < self.value if self.goal is Goal.MINIMISE else values > self.value
        else:
            met = values <= self.value if self.goal is Goal.MINIMISE else values >= self.value
        return met & np.isfinite(values)

    def met(self, value: float) -> bool:
        """Whether one value meets it."""
        return bool(self.met_by(np.asarray(value)))

    def __str__(self) -> str:
        signs = "<>" if self.strict else "≤≥"
        return f"{self.metric} {signs[self.goal is Goal.MAXIMISE]} {self.value:g}"
