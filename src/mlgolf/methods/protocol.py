"""What every method is: a frozen record of its knobs, and what it does as training goes on.

`at(progress)` says what holds at a share of training, and is pure. What a method acts on is said by
its kind: a `Transform` changes batches, a `Selection` chooses examples by their losses. The others
(streams of batches, hyperparameters, layers, weights, the network itself) have a function each, in
their own files.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import MethodError

Bottleneck = Literal[
    "input", "copies", "overhead", "compute", "bandwidth", "memory", "optimizer", "interconnect"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(ABC):
    """Acts from `start` to `end`, both shares of training; an end of 1 has no end.

    Knobs have the published values as defaults; where ours differ, the module says so.
    """

    name: ClassVar[str]  # by which it is switched on and off
    relieves: ClassVar[tuple[Bottleneck, ...]] = ()
    loads: ClassVar[tuple[Bottleneck, ...]] = ()

    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end <= 1:
            raise MethodError(
                f"{self.name}: found start={self.start}, end={self.end}; both are shares of "
                "training, 0 <= start <= end <= 1. Give step numbers divided by all steps."
            )
        self.check()

    def check(self) -> None:  # noqa: B027  # a method without knobs has nothing to check
        """Raises: MethodError for a knob out of range."""

    def is_active(self, progress: float) -> bool:
        """Args: progress: the share of training that is done; it may pass 1."""
        return self.start <= progress and (progress < self.end or self.end == 1)

    @abstractmethod
    def at(self, progress: float) -> Any:
        """The setting that holds there; outside the window the one that changes nothing."""

    def require(self, knob: str, allowed: bool, what: str) -> None:
        """Raises: MethodError, with the value found, unless it is allowed."""
        if not allowed:
            raise MethodError(f"{self.name}: found {knob}={getattr(self, knob)!r}; it is {what}.")


class Transform(Method):
    """Changes what a step trains on. Never in place: a batch may be somebody else's memory."""

    __slots__ = ()

    @abstractmethod
    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        """A new batch, or the same one where nothing changes.

        Raises: MethodError for a batch of another form than the method is for.
        """


class Selection(Method):
    """Chooses the examples of a batch that a step trains on, by a score of each."""

    __slots__ = ()

    @abstractmethod
    def applies(self, progress: float, step: int) -> bool:
        """Whether this step chooses at all; if not, scores need not be computed."""

    def preview(self, batch: Batch) -> Batch:
        """What scores are computed on."""
        return batch

    @abstractmethod
    def choose(self, scores: Any, rng: np.random.Generator, progress: float) -> Any:
        """Args: scores: (B,), such as losses. Returns: the places of those kept, ascending."""
