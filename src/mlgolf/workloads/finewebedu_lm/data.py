"""Batches of token rows: `inputs` and `targets` (B, L) int32, each target the input behind it.

The raw format is that of Hugging Face's datasets on disk (`data/token_files.py`), one in `train`,
one in `val` and at mini size one in `test`. The tokens of all documents, one after the other, are
cut into rows of L + 1, and what is left at the end is dropped. Prepared, a split is one file,
`rows.npy`, (rows, L + 1) uint16, which is mapped and read as it is needed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, IntArray
from mlgolf.core.errors import DataError
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import kept, pad_batch, shuffled_batches

RAW_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
ROWS = "rows.npy"
EVAL_TRAIN_SEED = 0  # which training rows are evaluated on is the same in every trial

DRAWN = ("validation", "test")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """Documentation of Python, in tokens that are trained on its training part."""
    # It loads libraries that a player which only trains does not need.
    from mlgolf.data.make_tokens import make_tokens

    make_tokens(raw, size.data.recipe, size.examples, seed, draw, splits)


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    """As many rows of each split as it should have; the text may hold more.

    Raises: DataError if files are missing or not in the format, or hold too few tokens.
    """
    from mlgolf.data.token_files import read_tokens

    for split in splits:
        if split in size.splits:  # none was published for test
            (prepared / split).mkdir(parents=True)
            folder, shape = raw / RAW_FOLDERS[split], (size.examples[split], size.data.length + 1)
            _write_rows(
                prepared / split / ROWS, read_tokens(folder, size.data.vocabulary), shape, folder
            )


def _write_rows(
    path: Path, pieces: Iterator[NDArray[np.uint16]], shape: tuple[int, int], source: Path
) -> None:
    """The first tokens of the pieces, as many as `shape` takes."""
    rows = np.lib.format.open_memmap(path, "w+", np.uint16, shape)
    flat, written = rows.reshape(-1), 0
    for piece in pieces:
        taken = piece[: len(flat) - written]
        flat[written : written + len(taken)] = taken
        written += len(taken)
        if written == len(flat):
            rows.flush()
            return
    raise DataError(
        f"{source}: found {written:,} tokens, which fill {written // shape[1]:,} rows of "
        f"{shape[1]:,}; expected {shape[0]:,} rows."
    )


class OpenRows:
    """One split, mapped.

    Args:
      folder: prepared; that of train for eval_train.
    """

    def __init__(self, folder: Path, size: Size, split: str) -> None:
        self._rows: NDArray[np.uint16] = np.load(folder / ROWS, mmap_mode="r")
        self._size, self._split = size, split

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        """Rows in a new order every epoch."""
        rng, part = np.random.default_rng(seed), self._size.data_fraction
        for chosen in shuffled_batches(len(self._rows), batch_size, rng, part):
            yield self._batch(chosen)

    def eval_batches(self) -> Iterator[Batch]:
        """Rows in their order; for eval_train, a fixed random part of the training rows."""
        at_once, wanted = self._size.eval_batch_size, self._size.examples[self._split]
        order = np.arange(wanted)
        if self._split == "eval_train":
            trained_on = kept(len(self._rows), self._size.data_fraction)
            shuffled = np.random.default_rng(EVAL_TRAIN_SEED).permutation(trained_on)
            order = np.sort(shuffled[:wanted])
        for start in range(0, len(order), at_once):
            yield pad_batch(self._batch(order[start : start + at_once]), at_once)

    def _batch(self, chosen: IntArray) -> Batch:
        rows = self._rows[chosen].astype(np.int32)
        return {"inputs": rows[:, :-1], "targets": rows[:, 1:]}


def open_split(folder: Path, size: Size, split: str) -> OpenRows:
    return OpenRows(folder, size, split)
