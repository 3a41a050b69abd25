"""Weight averaging: evaluate an average of the weights of recent steps, train on the last ones.

Source: Polyak and Juditsky (1992), doi:10.1137/0330046, for averages; half-life as in MosaicML
Composer, method card "EMA"; LAWA: Kaddour (2022), arXiv:2209.14981.
Claim: LAWA saves up to 68 GPU hours of ResNet-50 on ImageNet and 30 of RoBERTa on WikiText-103, in
reaching losses that plain training reaches epochs later. An average helps most where the learning
rate is still high; at the end of a decay to 0 there is little left to average out.
Relieves: nothing of a step; fewer steps reach a target. Loads: memory (one copy of the weights;
LAWA: one for each checkpoint) and a little bandwidth.
Ours: LAWA averages 6 checkpoints that lie 100 steps apart; published are epochs.
Batch norm's running statistics are averaged, too.
"""

from dataclasses import dataclass
from typing import Any

from mlgolf.methods.protocol import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightAveraging(Method):
    """What both have: an average is taken every so many steps of the window."""

    loads = ("memory",)

    every: int = 1  # steps

    def check(self) -> None:
        self.require("every", self.every >= 1, "at least 1 step")

    def at(self, progress: float) -> Any:
        raise NotImplementedError

    def is_due(self, progress: float, step: int) -> bool:
        """Args: step: how many there have been."""
        return self.is_active(progress) and step % self.every == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EMA(WeightAveraging):
    """average ← decay × average + (1 - decay) × weights, from the first weights of the window."""

    name = "ema"

    half_life: float = 1000.0  # steps

    def check(self) -> None:
        WeightAveraging.check(self)
        self.require("half_life", self.half_life > 0, "a number of steps above 0")

    @property
    def decay(self) -> float:
        """Of one update, which comes every so many steps."""
        return 0.5 ** (self.every / self.half_life)

    def at(self, progress: float) -> float:
        """The decay; 0 where the weights themselves are evaluated."""
        return self.decay if self.is_active(progress) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LAWA(WeightAveraging):
    """The mean of the latest checkpoints, all of the same weight."""

    name = "lawa"

    every: int = 100  # steps
    checkpoints: int = 6

    def check(self) -> None:
        WeightAveraging.check(self)
        self.require("checkpoints", self.checkpoints >= 1, "at least 1")

    def at(self, progress: float) -> int:
        """How many checkpoints are averaged; 0 where the weights themselves are evaluated."""
        return self.checkpoints if self.is_active(progress) else 0
