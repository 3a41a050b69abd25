"""As of the workload graph, and `label_bits`: what all labels take, given the model."""

import math

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size
from mlgolf.workloads.graph import metrics


class Metrics(metrics.Metrics):
    """Predictions are log probabilities (nats), a row for each example."""

    def __init__(self, size: Size) -> None:
        super().__init__(size)
        self._nats: list[float] = []

    def update(self, outputs: Outputs, batch: Batch) -> None:
        super().update(outputs, batch)
        self._nats += outputs.per_example.tolist()

    def result(self) -> dict[str, float]:
        return {**super().result(), "label_bits": math.fsum(self._nats) / math.log(2)}
