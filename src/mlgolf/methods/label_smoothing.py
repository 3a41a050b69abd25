"""Label smoothing: a share of each label's probability is spread over all classes.

Source: Szegedy et al. (2016), arXiv:1512.00567.
Claim: a fifth of a percent lower error of Inception-v3 on ImageNet. No speed by itself; it may
reach a target on the error earlier, and never one on the loss.
Relieves: nothing. Loads: nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgolf.methods.protocol import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSmoothing(Method):
    """Passed to the loss, which workloads' losses, `cross_entropy` of torch and optax take."""

    name = "label_smoothing"

    smoothing: float = 0.1

    def check(self) -> None:
        self.require("smoothing", 0 <= self.smoothing < 1, "a share of at least 0, below 1")

    def at(self, progress: float) -> float:
        return self.smoothing if self.is_active(progress) else 0.0

    def point(self, point: Mapping[str, Any], progress: float) -> dict[str, Any]:
        """The hyperparameters, with `label_smoothing` as it holds there."""
        return {**point, "label_smoothing": self.at(progress)}
