"""A split that fits into memory: arrays with a row for each example, in one file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import evaluated_rows, num_rows, pad_batch, shuffled_batches, slice_batch

FILE = "arrays.npz"


def write_arrays(prepared: Path, split: str, arrays: Mapping[str, NDArray]) -> None:
    """Into the split's folder, which is made."""
    (prepared / split).mkdir(parents=True)
    np.savez(prepared / split / FILE, **arrays)  # type: ignore[arg-type]


def prepare_arrays(raw: Path, prepared: Path, splits: Sequence[str] = SPLITS) -> None:
    """Each `<split>.npz` of the raw data as it is."""
    for split in splits:
        with np.load(raw / f"{split}.npz") as file:
            write_arrays(prepared, split, dict(file))


def read_arrays(folder: Path) -> dict[str, NDArray]:
    """What `write_arrays` wrote. Args: folder: of a split."""
    with np.load(folder / FILE) as file:
        return dict(file)


class OpenArrays:
    """One split, open.

    Args:
      examples: all of them as one batch, which may be nested; of the training split for
        eval_train.
    """

    def __init__(self, examples: Batch, size: Size, split: str) -> None:
        self._examples, self._size, self._split = examples, size, split

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        rng, part = np.random.default_rng(seed), self._size.data_fraction
        for chosen in shuffled_batches(num_rows(self._examples), batch_size, rng, part):
            yield self._rows(chosen)

    def eval_batches(self) -> Iterator[Batch]:
        """In order; of eval_train, some of those that are trained on."""
        at_once, wanted = self._size.eval_batch_size, self._size.examples[self._split]
        found, part = num_rows(self._examples), self._size.data_fraction
        chosen = self._rows(evaluated_rows(found, wanted, self._split, part))
        for start in range(0, num_rows(chosen), at_once):
            yield pad_batch(slice_batch(chosen, start, start + at_once), at_once)

    def _rows(self, chosen: NDArray[np.int64]) -> Batch:
        return map_arrays(lambda array: array[chosen], self._examples)
