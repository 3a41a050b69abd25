"""A split whose examples are had by their numbers: what `open_split` of most workloads returns."""

from collections.abc import Callable, Iterator

import numpy as np

from mlgolf.core.arrays import Batch, IntArray
from mlgolf.core.workload import Size
from mlgolf.data.batches import evaluated_rows, pad_batch, shuffled_batches

# Which examples, (rows,), and what decides all that is random about them: None in evaluation.
Rows = Callable[[IntArray, np.random.Generator | None], Batch]


class OpenIndexed:
    """One split, open.

    Args:
      count: examples that there are; of the training split for eval_train.
      rows: gives some of them as a batch.
    """

    def __init__(self, count: int, size: Size, split: str, rows: Rows) -> None:
        self._count, self._size, self._split, self._rows = count, size, split, rows

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        """In a new order every epoch."""
        rng, part = np.random.default_rng(seed), self._size.data_fraction
        for chosen in shuffled_batches(self._count, batch_size, rng, part):
            yield self._rows(chosen, rng)

    def eval_batches(self) -> Iterator[Batch]:
        """In order; for eval_train, a fixed random part of those that are trained on."""
        at_once, wanted = self._size.eval_batch_size, self._size.examples[self._split]
        order = evaluated_rows(self._count, wanted, self._split, self._size.data_fraction)
        for start in range(0, len(order), at_once):
            yield pad_batch(self._rows(order[start : start + at_once], None), at_once)
