"""Metrics that are means over examples, or over their parts, from sums over batches.

It serves as it is as the metrics module of a workload that measures its mean loss alone.
"""

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Outputs, Size
from mlgolf.data.batches import weights_of


class Means:
    """Sums, in float64, and how many examples or parts they are of."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0.0

    def add(self, weights: NDArray, **values: NDArray) -> None:
        """Values are 0 where weights are 0; of the losses of rows, parts are summed already.

        Args:
          weights: (batch,) or (batch, parts): what values are means over. 1 for what counts, or how
            many parts it stands for, such as the tokens of a row.
        """
        self._count += _sum(weights)
        for name, array in values.items():
            self._sums[name] += _sum(array)

    def result(self) -> dict[str, float]:
        """NaN where nothing counts."""
        count = self._count or math.nan
        return {name: total / count for name, total in self._sums.items()}


class Metrics:
    """`loss`, the mean over examples, or over their parts where weights are of these."""

    def __init__(self, size: Size) -> None:
        self._means = Means()

    def update(self, outputs: Outputs, batch: Batch) -> None:
        self._means.add(weights_of(batch), loss=outputs.per_example)

    def result(self) -> dict[str, float]:
        return self._means.result()


def _sum(values: NDArray) -> float:
    return float(values.sum(dtype=np.float64))
