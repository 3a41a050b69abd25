"""Evaluating models that contestants bring, by what they say of the host's data.

The referee reads the file, measures the length of its code, and has a process without labels run
it; what is lost on each example it computes itself.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import ModelError, SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.workload import Outputs, Size, Workload
from mlgolf.data.batches import join_batches
from mlgolf.measures.label_bits import example_bits
from mlgolf.measures.onnx_models import Model, canonical, code_bits, read_model
from mlgolf.player.handover import MODEL_FILE, places
from mlgolf.referee.evaluate import arrays_in
from mlgolf.referee.machine import libraries_of_bits
from mlgolf.referee.predicting import Predictor
from mlgolf.referee.splits import Splits

_NATS = np.log(2.0)  # a bit


class OnnxEvaluator:
    """Evaluates ONNX models on the data of one workload that leaves the model open."""

    def __init__(
        self, workload: Workload, size: Size, framework: str, data_folder: Path,
        hardware: HardwareClass,
    ) -> None:
        self._workload, self._size = workload, size
        self._framework, self._hardware = framework, hardware
        self._splits = Splits(workload, size, data_folder)
        self.splits = size.splits
        self.capacity = places({MODEL_FILE: np.zeros(size.model.max_bytes, np.uint8)})[2]
        self._predictor: Predictor | None = None
        self._cpu_seconds = 0.0  # of predictors that have ended

    @cached_property
    def _data(self) -> dict[str, Batch]:
        """All examples of each split."""
        return {split: join_batches([*self._splits.batches(split)]) for split in self.splits}

    @property
    def metric_names(self) -> list[str]:
        """What this workload's metrics are called, by one example that nothing is known of."""
        metrics = self._workload.metrics(self._size)
        data = next(iter(self._data.values()))
        nothing = np.zeros((1, self._size.model.num_classes)), np.zeros(1)
        metrics.update(Outputs(*nothing), {name: array[:1] for name, array in data.items()})
        return sorted([*metrics.result(), "bits"])

    @property
    def libraries(self) -> dict[str, str]:
        return libraries_of_bits()

    def warm_up(self) -> None:
        """Each trial has a process of its own: nothing that a model did to one is left."""
        self.close()
        self._started()

    def close(self) -> None:
        if self._predictor is not None:
            self._predictor.stop()
            self._cpu_seconds += self._predictor.cpu_seconds()
            self._predictor = None

    def helpers_cpu_seconds(self) -> float:
        """What processes that run models have used so far."""
        return self._cpu_seconds + (self._predictor.cpu_seconds() if self._predictor else 0.0)

    def _started(self) -> Predictor:
        if self._predictor is None:
            task = self._size.model
            self._predictor = Predictor(
                self._framework, self._hardware,
                {split: data["inputs"] for split, data in self._data.items()},
                classes=task.num_classes, max_bytes=task.max_bytes,
                batch_size=self._size.eval_batch_size, seconds_per_batch=task.seconds_per_batch,
            )
        return self._predictor

    def untrained(self, seed: int) -> dict[str, NDArray]:
        """Of no model that the host knows."""
        return {}

    def parameters(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Its code: all that is stored of it."""
        return {"code": np.frombuffer(canonical(self._model_in(arrays)), np.uint8)}

    def read(self, model: bytes) -> dict[str, NDArray]:
        """The bytes of the file, by MODEL_FILE. Raises: SubmissionError if it is not allowed."""
        arrays = arrays_in(model)
        if list(arrays) != [MODEL_FILE] or arrays[MODEL_FILE].dtype != np.uint8:
            raise SubmissionError(
                "what was handed over is no file of a model: give its bytes to game.submit"
            )
        try:
            self._model_in(arrays)
        except ModelError as error:
            raise SubmissionError(f"the model handed over is refused: {error}") from None
        return arrays

    def _model_in(self, arrays: Mapping[str, NDArray]) -> Model:
        return read_model(arrays[MODEL_FILE].tobytes(), max_bytes=self._size.model.max_bytes)

    def evaluate(self, arrays: Mapping[str, NDArray], splits: Iterable[str]) -> dict[str, float]:
        """Metrics by name, and the two parts of the code: "model/code_bits" and "train/bits".

        Raises: SubmissionError for a model that cannot be run, or whose rows depend on one another.
        """
        file, found = arrays[MODEL_FILE].tobytes(), {}
        length = float(code_bits(self._model_in(arrays)))
        for split in splits:
            for name, value in self._metrics_of(split, file).items():
                found[f"{split}/{name}"] = value
            found[f"{split}/bits"] = length + found[f"{split}/label_bits"]
        return {**found, "model/code_bits": length}

    def losses(self, arrays: Mapping[str, NDArray], split: str) -> NDArray:
        """(examples,): the loss of each, nats, in the order of the split."""
        found = self._log_probabilities(split, arrays[MODEL_FILE].tobytes())
        return example_bits(found, self._data[split]["targets"]) * _NATS

    def _metrics_of(self, split: str, file: bytes) -> dict[str, float]:
        data, found = self._data[split], self._log_probabilities(split, file)
        metrics = self._workload.metrics(self._size)
        losses = example_bits(found, data["targets"]) * _NATS
        metrics.update(Outputs(found, losses), data)
        return metrics.result()

    def _log_probabilities(self, split: str, file: bytes) -> NDArray[np.float64]:
        # By the file itself: a replay has the same batches, and no file can prepare for them.
        seed = int.from_bytes(hashlib.sha256(file).digest(), "little")
        predictor = self._started()
        try:
            return believable(predictor.log_probabilities(file, split, seed))
        except ModelError as error:
            if predictor.has_ended:
                self.close()
            raise SubmissionError(f"the model handed over is refused: {error}") from None


def believable(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log probabilities that add up to no more than one, from a process that is not trusted.

    Of a row with a NaN nothing is believed: its other numbers could be anything.

    Raises: ModelError.
    """
    with np.errstate(over="ignore"):
        total = np.exp(found).sum(axis=1)
    found[np.isnan(total)] = np.nan
    if (total > 1 + 1e-6).any():
        raise ModelError(f"its probabilities of an example add up to {total.max():.6g}, above 1")
    return found
