"""The two things every workload's batches need: an endless shuffled order, and padding."""

from collections.abc import Iterator

import numpy as np

from mlgolf.core.arrays import Batch, IntArray


def shuffled_batches(
    count: int, batch_size: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Endless batches of indices below `count`: one permutation after another.

    Every batch is full: one that begins at the end of an epoch goes on with the next.
    """
    waiting = np.empty(0, np.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(count)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def pad_batch(batch: Batch, batch_size: int) -> Batch:
    """The batch filled up with zeros to `batch_size` rows.

    Returns: the same batch if it is full; otherwise one with `weights` (batch_size,), 1 for rows
      that were there and 0 for those that were added.
    """
    rows = len(batch["targets"])
    if rows == batch_size:
        return batch
    weights = batch.get("weights", np.ones(rows, np.float32))
    padded = {}
    for name, values in {**batch, "weights": weights}.items():
        padded[name] = np.zeros((batch_size, *values.shape[1:]), values.dtype)
        padded[name][:rows] = values
    return padded
