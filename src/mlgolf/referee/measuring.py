"""What the referee measures of a model: on its own data, by its own network, and of the weights."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from numpy.typing import NDArray

from mlgolf.core.errors import SubmissionError
from mlgolf.core.plan import TrialPlan
from mlgolf.core.quantities import Measure
from mlgolf.core.status import Status
from mlgolf.referee.endings import Ended
from mlgolf.referee.evaluate import not_finite, with_noise
from mlgolf.referee.rulings import Rulings


class Evaluates(Protocol):
    """What the referee needs of an evaluator."""

    capacity: int
    splits: tuple[str, ...]

    def warm_up(self) -> None: ...
    def parameters(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]: ...
    def untrained(self, seed: int) -> Mapping[str, NDArray]: ...
    def read(self, model: bytes) -> dict[str, NDArray]: ...
    def evaluate(self, arrays: Mapping[str, NDArray], splits: Any) -> dict[str, float]: ...


class Measuring:
    """What the rules of one trial ask of a model. A model that cannot be judged ends the trial."""

    def __init__(self, plan: TrialPlan, rulings: Rulings, evaluator: Evaluates) -> None:
        self._plan, self._rulings, self._evaluator = plan, rulings, evaluator

    def read(self, model: bytes) -> dict[str, NDArray]:
        """Its arrays by name. Raises: Ended, as all below."""
        with _refused():
            return self._evaluator.read(model)

    def needed(self, model: bytes, arrays: Mapping[str, NDArray]) -> dict[str, float]:
        """What the rules need of every model: by its weights, and by weights a little off."""
        metrics = self._evaluated(arrays, self._rulings.needed)
        if noise := self._plan.rules.weight_noise:
            disturbed = self._evaluated(
                with_noise(arrays, noise, self._noise_seed(model)), self._rulings.needed
            )
            metrics = self._rulings.worse_of(metrics, disturbed)
        return metrics | self._measured(arrays, self._rulings.measures)

    def _noise_seed(self, model: bytes) -> bytes:
        """Another in each trial: a model that one seed's noise spares is not spared by all."""
        drawn_by = f"{self._plan.noise_key} {self._plan.seed}"
        return hashlib.sha256(model + drawn_by.encode()).digest()

    def divergence(
        self, step: int, arrays: Mapping[str, NDArray], metrics: Mapping[str, float]
    ) -> str:
        """In words: where a model has NaN or infinity; empty where its metrics have none."""
        if all(map(math.isfinite, metrics.values())):
            return ""
        which = f"model {step}" if self._plan.paces_itself else f"the model of step {step}"
        where = not_finite(arrays)
        return f"{which} has NaN or infinity: {where}" if where else ""

    def recorded(self, arrays: Mapping[str, NDArray]) -> dict[str, float]:
        """What is measured beside, for the record: the other splits, and other measures."""
        metrics = self._evaluated(arrays, self._rulings.others)
        return metrics | self._measured(arrays, self._rulings.recorded)

    def told(self, arrays: Mapping[str, NDArray]) -> dict[str, float]:
        """What a contestant may know of a model that it asks about."""
        told = [split for split in self._rulings.told if split in self._evaluator.splits]
        metrics = self._evaluated(arrays, told)
        return metrics | self._measured(arrays, self._rulings.measures)

    def _evaluated(
        self, arrays: Mapping[str, NDArray], splits: Sequence[str]
    ) -> dict[str, float]:
        with _refused():
            return self._evaluator.evaluate(arrays, splits)

    def _measured(
        self, arrays: Mapping[str, NDArray], measures: Mapping[str, Measure]
    ) -> dict[str, float]:
        """What the rules ask of the parameters themselves."""
        if not measures:
            return {}
        scored = self._rulings.scored(self._evaluator.parameters(arrays))
        return {name: measure(scored) for name, measure in measures.items()}


@contextmanager
def _refused() -> Iterator[None]:
    """What cannot be judged ends the trial: what was handed over before still counts."""
    try:
        yield
    except SubmissionError as error:
        raise Ended(Status.CRASHED, str(error), broke_contract=True) from None
