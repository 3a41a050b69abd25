"""Distillation: the outputs of another model are part of the target.

Source: Hinton, Vinyals and Dean (2015), arXiv:1503.02531; Qin et al. (2022), arXiv:2105.13880
(knowledge inheritance: a small trained model teaches a larger one at first, and less and less).
Claim: a large language model reaches a loss in fewer steps where a smaller one exists already
(knowledge inheritance). The teacher's training is paid by somebody.
Relieves: nothing of a step; fewer steps reach a target. Loads: compute, by the teacher's forward
pass.
Ours: the values of all knobs; the papers set them by task.
"""

from dataclasses import dataclass

from mlgolf.methods.protocol import Method
from mlgolf.methods.schedules import ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation(Method):
    """The weight of the teacher falls from `weight` at `start` to 0 at `end`, or stays."""

    name = "distillation"
    loads = ("compute",)

    end: float = 0.5
    weight: float = 0.5  # of the teacher's term; the loss of the labels has the rest
    temperature: float = 2.0  # by which both logits are divided
    decays: bool = True

    def check(self) -> None:
        self.require("weight", 0 <= self.weight <= 1, "a share from 0 to 1")
        self.require("temperature", self.temperature > 0, "above 0")

    def at(self, progress: float) -> float:
        """The weight of the teacher's term."""
        if not self.is_active(progress):
            return 0.0
        return self.weight * (1 - ramp(progress, self.start, self.end) if self.decays else 1)
