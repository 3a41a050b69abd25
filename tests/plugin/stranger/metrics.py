"""Average precision, which needs every score of the split before it is known."""

import numpy as np

from mlgolf.core.arrays import Batch, BoolArray, FloatArray
from mlgolf.core.workload import Outputs, Size
from mlgolf.data.batches import weights_of
from mlgolf.workloads.parts.means import Means


class Metrics:
    """`average_precision` in [0, 1], NaN where there is no event; `loss` in nats."""

    def __init__(self, size: Size) -> None:
        self._means = Means()
        self._scores: list[FloatArray] = []
        self._events: list[BoolArray] = []

    def update(self, outputs: Outputs, batch: Batch) -> None:
        """Predictions: what the model decodes to, {"probability": (B,)}."""
        weights = weights_of(batch)
        self._means.add(weights, loss=outputs.per_example)
        (events,) = batch["targets"]
        self._scores.append(outputs.predictions["probability"][weights > 0])
        self._events.append(events[weights > 0] == 1)

    def result(self) -> dict[str, float]:
        scores, events = np.concatenate(self._scores), np.concatenate(self._events)
        return {**self._means.result(), "average_precision": average_precision(scores, events)}


def average_precision(scores: FloatArray, events: BoolArray) -> float:
    """Mean over the events of the precision among all that score no less than each."""
    if not events.any():
        return float("nan")
    among = scores >= scores[events][:, None]
    return float(((among & events).sum(axis=1) / among.sum(axis=1)).mean())
