"""What the batches of every workload need: an endless shuffled order, cutting, joining, padding.

Batches may be nested (core/arrays.py). Here each of their arrays has a row per example; where that
is not so, as in graphs, a workload cuts and pads by itself.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, BoolArray, IntArray, map_arrays
from mlgolf.core.errors import DataError
from mlgolf.core.text import enumerated

PART_SEED = 0
EVAL_TRAIN_SEED = 0  # which training examples are evaluated on is the same in every trial


def training_part(count: int, fraction: float) -> IntArray:
    """Which of `count` training examples (or files of them) are trained on, in order.

    They are the first of one shuffled order, so a smaller part lies within a larger one. At least
    one is kept.
    """
    if fraction == 1:
        return np.arange(count)
    order = np.random.default_rng(PART_SEED).permutation(count)
    return np.sort(order[: max(1, round(fraction * count))])


def evaluated_rows(found: int, wanted: int, split: str, fraction: float = 1.0) -> IntArray:
    """Which examples are evaluated, in order; for eval_train, some of those that are trained on.

    Args:
      found: examples in the folder: of the training split for eval_train.
      wanted: how many are evaluated; fewer where bad ones were left out.
      fraction: of the training examples, as of `training_part`.
    """
    if split != "eval_train":
        return np.arange(min(found, wanted))
    order = np.random.default_rng(EVAL_TRAIN_SEED).permutation(training_part(found, fraction))
    return np.sort(order[:wanted])


def shuffled_batches(
    count: int, batch_size: int, rng: np.random.Generator, fraction: float = 1.0
) -> Iterator[IntArray]:
    """Endless batches of indices below `count`: one permutation after another.

    Every batch is full: one that begins at the end of an epoch goes on with the next.

    Args: fraction: only so many of the indices come, those of `training_part`.
    Raises: DataError if there is nothing to take, or nothing is wanted, at the first batch.
    """
    if count < 1 or batch_size < 1:
        raise DataError(
            f"found {count:,} training examples for batches of {batch_size:,}, expected at least "
            "one of each."
        )
    rows, waiting = training_part(count, fraction), np.empty(0, np.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(rows)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def num_rows(batch: Batch) -> int:
    """Examples in a batch. Raises: DataError unless each of its arrays has a row for each."""
    counts: set[int] = set()
    map_arrays(lambda array: counts.add(len(array)), batch)
    if len(counts) != 1:
        raise DataError(
            f"found arrays of {enumerated(sorted(counts))} rows in one batch, expected "
            "a row per example in each. Cut and pad such batches in data.py itself."
        )
    return counts.pop()


def weights_of(batch: Batch) -> NDArray:
    """(rows,), or (rows, parts ...) where parts of an example may be padding, such as tokens.

    0 for padding, 1 for what counts: for every example where the batch says nothing.
    """
    if "weights" in batch:
        return batch["weights"]
    return np.ones(num_rows({"targets": batch["targets"]}), np.float32)


def part_weights(batch: Batch) -> NDArray:
    """The weights, one for each of the targets, which are one array: those of rows are repeated."""
    weights, targets = weights_of(batch), batch["targets"]
    missing = [1] * (targets.ndim - weights.ndim)
    return np.broadcast_to(weights.reshape(*weights.shape, *missing), targets.shape)


def is_counted(batch: Batch) -> BoolArray:
    """(rows,): whether an example is not padding, or has a part that is not."""
    weights = weights_of(batch)
    return np.any(weights.reshape(len(weights), -1) > 0, axis=1)


def slice_batch(batch: Batch, start: int, stop: int) -> Batch:
    """Examples from `start` to before `stop`; views."""
    return map_arrays(lambda array: array[start:stop], batch)


def join_batches(batches: Sequence[Batch]) -> Batch:
    """The examples of one after the other; copies. All are nested alike."""
    return map_arrays(lambda *arrays: np.concatenate(arrays), *batches)


def pad_batch(batch: Batch, batch_size: int) -> Batch:
    """The batch filled up to `batch_size` rows, with its first one: zeros may mean something.

    Returns: the same batch if it is full; otherwise one with `weights`, of which those of the rows
      that were added are 0.
    """
    rows = num_rows(batch)
    if rows == batch_size:
        return batch

    def filled(values: NDArray) -> NDArray:
        return np.concatenate([values, np.repeat(values[:1], batch_size - rows, axis=0)])

    weights = filled(weights_of(batch))
    weights[rows:] = 0
    return {**map_arrays(filled, batch), "weights": weights}
