"""Metrics that are means over examples, or over their parts, from sums over batches.

It serves as it is as the metrics module of a workload that measures its mean loss alone.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size


class Means:
    """Sums, in float64, and how many examples or parts they are of."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0.0

    def add(self, weights: NDArray, **values: NDArray) -> None:
        """Values, (batch,) each, of which those of weight 0 are 0.

        Args:
          weights: (batch,), 1 for an example. Or how many parts a value is the sum of, such as the
            tokens of a row that are no padding: then results are means per part.
        """
        self._count += _sum(weights)
        for name, array in values.items():
            self._sums[name] += _sum(array)

    def result(self) -> dict[str, float]:
        return {name: total / self._count for name, total in self._sums.items()}


class Metrics:
    """`loss`, the mean over the examples."""

    def __init__(self, size: Size) -> None:
        self._means = Means()

    def update(self, outputs: Outputs, batch: Batch) -> None:
        self._means.add(example_weights(outputs, batch), loss=outputs.per_example)

    def result(self) -> dict[str, float]:
        return self._means.result()


def example_weights(outputs: Outputs, batch: Batch) -> NDArray:
    """(batch,), 0 for padding; ones where a batch says nothing of it."""
    return batch.get("weights", np.ones(len(outputs.per_example), np.float32))


def _sum(values: NDArray) -> float:
    return float(values.sum(dtype=np.float64))
