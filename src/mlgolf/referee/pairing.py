"""What a trial that plays beside others would take alone.

What a player computes does not depend on who else is at work, and how long it takes does: a busy
neighbour adds a tenth to its CPU seconds. So trials play side by side, for their values, and each
has the machine alone now and then for a segment, on a core that is the same for all: from one
evaluation to the next, where its player stands still anyway. What such a segment took, over what a
segment took beside others since the last one alone and until the next, is one pair. The ratio of
sums over all pairs prices the CPU seconds beside others; those alone count as they are, so whoever
wastes time beside others to lower the ratio gains nothing.

The segments are drawn by the referee and differ from trial to trial, and a player is not told. One
that finds out, and works less where it is alone, would lower the ratio, too. So that is bounded by
what neighbours can do, and a trial whose steps were not alike cannot be replayed (`mlgolf replay`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

EVERY, MOST_OFTEN = 8, 2  # segments: of so many, one is played alone on average
# Of the ratio. The other core's products of matrices add a tenth to CPU seconds, copies in memory
# more: docs/measurement.md.
LEAST, MOST = 0.8, 1.25
PAIRS = 8  # that a trial is to have, where it has few evaluations
FIRST = 1  # the segment before the first evaluation holds imports, compiling and the first step


class TakesTurns(Protocol):
    """What a trial needs of `turns.Turns`."""

    def is_wanted(self) -> bool: ...
    def step_aside(self) -> float: ...
    def take(self) -> bool: ...
    def give_back(self) -> None: ...


class Pair(NamedTuple):
    """CPU seconds of the same number of steps."""

    alone: float
    beside: float


@dataclass(frozen=True, slots=True)
class Price:
    """By what the CPU seconds of a trial beside others are multiplied."""

    factor: float = 1.0
    error: float = math.nan  # standard error of its logarithm; NaN of less than two pairs


def price(pairs: Sequence[Pair]) -> Price:
    """Of pairs of one trial, or of several that are alike.

    Source of the error: the linearised variance of a ratio of sums; Cochran (1977), Sampling
    Techniques, section 2.11.
    """
    alone, beside = np.array(pairs).T if pairs else np.zeros((2, 0))
    if not beside.sum() > 0:
        return Price()
    factor, count = float(np.clip(alone.sum() / beside.sum(), LEAST, MOST)), len(pairs)
    if count < 2:
        return Price(factor)
    left = alone - factor * beside
    error = math.sqrt(float(left @ left) * count / (count - 1)) / (factor * float(beside.sum()))
    return Price(factor, error)


@dataclass(slots=True)
class _Timed:
    """CPU seconds of some steps."""

    cpu: float = 0.0
    steps: int = 0

    def add(self, cpu: float, steps: int) -> None:
        self.cpu, self.steps = self.cpu + cpu, self.steps + steps

    @property
    def per_step(self) -> float:
        return self.cpu / self.steps


class Pairing:
    """The segments of one trial: which are played alone, and what they tell."""

    def __init__(
        self, turns: TakesTurns, seed: int, evaluations: float = math.inf,
        core: int | None = None, repeated_noise: float = 0.0,
    ) -> None:
        """Args:
          seed: of which segments are played alone.
          evaluations: that the trial may have: with few of them more are played alone.
          core: on which they are played, the same for all trials of the machine; None: where the
            player is.
          repeated_noise: of the class: what no segment shows.
        """
        self.core, self._repeated_noise = core, repeated_noise
        self._turns, self._rng = turns, np.random.default_rng([seed, EVERY])
        self._every = int(min(max(evaluations / PAIRS, MOST_OFTEN), EVERY))
        self._number, self._is_alone = 0, False
        self._began: tuple[float, int] | None = None  # CPU seconds and step
        self._next_alone = FIRST + int(self._rng.integers(1, 3))
        self._alone: list[_Timed] = []  # segments that have ended
        self._beside = [_Timed()]  # what lies before, between and after them
        self._price = Price()

    @property
    def pairs(self) -> list[Pair]:
        """One of each segment alone. What came before it and after it weigh the same, so that a
        trend over the trial moves no ratio."""
        found = []
        for alone, gaps in zip(self._alone, pairwise(self._beside), strict=True):
            beside = np.mean([gap.per_step for gap in gaps if gap.steps])
            found.append(Pair(alone.cpu, float(beside) * alone.steps))
        return found

    def priced(self, cpu: float) -> float:
        """What so many CPU seconds of its own would be on a machine that does nothing else."""
        now = cpu - self._began[0] if self._is_alone and self._began else 0.0
        alone = sum(segment.cpu for segment in self._alone) + now
        return alone + self._price.factor * (cpu - alone)

    def is_wanted(self) -> bool:
        """Whether another trial waits for the machine: have the player stand still, step aside."""
        return not self._is_alone and self._turns.is_wanted()

    def step_aside(self) -> float:
        """Returns: for how many seconds."""
        return self._turns.step_aside()

    def end_segment(self, cpu: float, step: int) -> bool:
        """The player stands still, at an evaluation.

        Args: cpu: seconds of its own so far. Returns: whether it had the machine alone.
        """
        was_alone, self._is_alone = self._is_alone, False
        if was_alone:
            self._turns.give_back()
        if self._began is not None and step > self._began[1]:
            took = cpu - self._began[0], step - self._began[1]
            if was_alone:
                self._alone.append(_Timed(*took))
                self._beside.append(_Timed())
            else:
                self._beside[-1].add(*took)
            self._price = price(self.pairs)
        self._number += 1
        self._began = None
        return was_alone

    def begin_segment(self, cpu: float, step: int) -> bool:
        """It goes on in a moment. May wait until all others have stepped aside.

        Returns: whether it has the machine alone from here on.
        """
        if self._began is not None:
            return False
        if self._number >= self._next_alone and self._beside[-1].steps and self._turns.take():
            self._is_alone = True
            # On average as often as is asked; a segment beside others lies between any two.
            self._next_alone = self._number + int(self._rng.integers(2, 2 * self._every - 1))
        self._began = cpu, step
        return self._is_alone

    def close(self) -> None:
        if self._is_alone:
            self._turns.give_back()
            self._is_alone = False

    def why_unofficial(self) -> str:
        return "" if self._alone else (
            "timed beside other trials, and not priced: no segment was played alone"
        )

    def record(self) -> dict[str, Any]:
        found = self._price
        error = {} if math.isnan(found.error) else {
            "error": found.error, "repeated_noise": self._repeated_noise
        }
        core = {} if self.core is None else {"core": self.core}
        pairs = [list(pair) for pair in self.pairs]
        return {"factor": found.factor, **error, **core, "pairs": pairs}


class Unpaired:
    """A trial that has the machine to itself from its beginning to its end."""

    def priced(self, cpu: float) -> float:
        return cpu

    def is_wanted(self) -> bool:
        return False

    def step_aside(self) -> float:
        return 0.0

    core = None

    def end_segment(self, cpu: float, step: int) -> bool:
        return False

    def begin_segment(self, cpu: float, step: int) -> bool:
        return False

    def close(self) -> None: ...
    def why_unofficial(self) -> str:
        return ""

    def record(self) -> dict[str, Any]:
        return {}
