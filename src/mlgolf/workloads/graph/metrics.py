"""`loss`, the mean over examples; `loss_max`, the worst one's; `error_rate` of classifiers."""

import math

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size
from mlgolf.data.batches import weights_of
from mlgolf.workloads.parts.means import Means


class Metrics:
    """Every example counts once: none is padding, and a NaN among the losses stays one."""

    def __init__(self, size: Size) -> None:
        self._means, self._worst = Means(), -math.inf
        self._classifies = size.model.loss == "cross_entropy"

    def update(self, outputs: Outputs, batch: Batch) -> None:
        weights = weights_of(batch)
        real = outputs.per_example[weights > 0]
        self._worst = float(np.max(real, initial=self._worst))
        measured = {"loss": outputs.per_example}
        if self._classifies:
            measured["error_rate"] = weights * self._errors(outputs, batch)
        self._means.add(weights, **measured)

    def _errors(self, outputs: Outputs, batch: Batch) -> np.ndarray:
        """(batch,): the share of an example's positions that are wrong; of one class, 0 or 1."""
        logits, targets = outputs.predictions, batch["targets"]
        counted = targets >= 0
        wrong = (logits.argmax(axis=-1) != targets) & counted
        axes = tuple(range(1, targets.ndim))
        return wrong.sum(axis=axes) / np.maximum(counted.sum(axis=axes), 1)

    def result(self) -> dict[str, float]:
        return {**self._means.result(), "loss_max": self._worst}
