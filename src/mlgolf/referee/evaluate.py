"""The referee's own evaluation: its model, its metric, its data. Of the player it takes bytes."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import number_of
from mlgolf.core.workload import Size, Workload
from mlgolf.data.batches import is_counted
from mlgolf.player.handover import places
from mlgolf.referee.splits import Splits


class Evaluator:
    """Evaluates models of one workload, size and framework."""

    def __init__(
        self, workload: Workload, size: Size, framework: str, data_folder: Path, threads: int
    ) -> None:
        """Raises: FrameworkMissing; DataError where a split is missing or damaged."""
        self._workload, self._size = workload, size
        self.splits = size.splits
        self._backend = load_backend(framework)
        self._backend.configure(threads)
        self._model = self._workload.model(framework, self._size)
        self._splits = Splits(workload, size, data_folder)
        self._params, self._model_state = self._model.init(self._backend.key(0))
        self._template = self._named_arrays()
        self.capacity = places(self._template)[2]

    def _named_arrays(self) -> dict[str, NDArray]:
        return self._backend.named_arrays(self._params, self._model_state)

    @property
    def libraries(self) -> dict[str, str]:
        """Versions of those on which its numbers depend, beside the framework's."""
        return {}

    def untrained(self, seed: int) -> dict[str, NDArray]:
        """The parameters that a trial of this seed starts from, without other model state."""
        model_key = self._backend.split(self._backend.key(seed), 4)[2]
        params, _ = self._model.init(model_key)
        return {name: a.copy() for name, a in self._backend.parameter_arrays(params).items()}

    def parameters(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Those of a model's arrays that are trained, by name."""
        names = self._backend.parameter_arrays(self._params)
        return {name: arrays[name] for name in names}

    def read(self, model: bytes) -> dict[str, NDArray]:
        """Arrays by name. Raises: SubmissionError unless they are those of the workload's model."""
        return arrays_like(self._template, model, self._workload.name)

    def warm_up(self) -> None:
        """Open every split and compile: no evaluation shall pay for what only the first needs."""
        for split in self.splits:
            self._splits.batches(split)
        _ = self.metric_names

    def close(self) -> None:
        """It holds nothing that the next trial may not use."""

    def helpers_cpu_seconds(self) -> float:
        """Of processes that work for it: there are none."""
        return 0.0

    @cached_property
    def metric_names(self) -> list[str]:
        """What this workload's metrics are called, by evaluating one batch."""
        split = "validation" if "validation" in self.splits else "train"
        first = next(iter(self._splits.batches(split)))
        return sorted(self._metrics_of([first]))

    def evaluate(self, arrays: Mapping[str, NDArray], splits: Iterable[str]) -> dict[str, float]:
        """Metrics by name, "validation/error_rate" and so on, of train, validation or test."""
        self._load(arrays)
        return {
            f"{split}/{name}": value
            for split in splits
            for name, value in self._metrics_of(self._splits.batches(split)).items()
        }

    def losses(self, arrays: Mapping[str, NDArray], split: str) -> NDArray:
        """(examples,): the loss of each, in the order of the split."""
        self._load(arrays)
        found = []
        for batch in self._splits.batches(split):
            outputs = self._backend.evaluate(self._model, self._params, self._model_state, batch)
            found.append(outputs.per_example[is_counted(batch)])
        return np.concatenate(found)

    def _load(self, arrays: Mapping[str, NDArray]) -> None:
        self._params, self._model_state = self._backend.load_arrays(
            self._params, self._model_state, arrays
        )

    def _metrics_of(self, batches: Iterable[Batch]) -> dict[str, float]:
        metrics = self._workload.metrics(self._size)
        for batch in batches:
            outputs = self._backend.evaluate(self._model, self._params, self._model_state, batch)
            metrics.update(outputs, batch)
        return metrics.result()


def arrays_in(model: bytes) -> dict[str, NDArray]:
    """Arrays by name, of what a player handed over. Raises: SubmissionError for what is no model.

    The library checks offsets and sizes; of types and shapes that numpy lacks it says nothing.
    """
    try:
        return load_safetensors(model)
    except KeyError as error:
        raise SubmissionError(
            f"the model handed over has numbers of type {error}, which no workload has"
        ) from None
    except (SafetensorError, ValueError) as error:
        raise SubmissionError(f"what was handed over is no model: {error}") from None


def arrays_like(
    template: Mapping[str, NDArray], model: bytes, workload: str
) -> dict[str, NDArray]:
    """`arrays_in`, where names, types and shapes are those of the template.

    Raises: SubmissionError that names the first that is not; it is one of the workload.
    """
    arrays = arrays_in(model)
    for name in arrays.keys() - template.keys():
        raise SubmissionError(
            f"the model handed over has {name!r}; {workload} has only {', '.join(template)}"
        )
    for name, expected in template.items():
        found = arrays.get(name)
        if found is None or found.shape != expected.shape or found.dtype != expected.dtype:
            what = "nothing" if found is None else f"{found.dtype} {found.shape}"
            raise SubmissionError(
                f"the model handed over has {what} for {name!r}; "
                f"{workload} has {expected.dtype} {expected.shape} there"
            )
    return arrays


def with_noise(
    arrays: Mapping[str, NDArray], share: float, seed: bytes
) -> dict[str, NDArray]:
    """Each number x becomes x (1 + share z), z normal: the same z for the same seed."""
    rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
    return {
        name: (a * (1 + share * rng.standard_normal(a.shape))).astype(a.dtype)
        for name, a in sorted(arrays.items())
    }


def not_finite(arrays: Mapping[str, NDArray]) -> str:
    """The first tensor by name with NaN or infinity, and how many; empty where all is finite."""
    for name, array in sorted(arrays.items()):
        wrong = array.size - np.count_nonzero(np.isfinite(array))
        if wrong:
            return f"{name}, in {wrong:,} of {number_of(array.size, 'number')}"
    return ""


def unchanged(untrained: Mapping[str, NDArray], arrays: Mapping[str, Any]) -> bool:
    """Whether every parameter still has the value that training started from."""
    return all(np.array_equal(arrays[name], value) for name, value in untrained.items())
