"""A split that fits into memory: arrays with a row for each example, in one file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, IntArray, map_arrays
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import num_rows
from mlgolf.data.indexed import OpenIndexed

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


def open_arrays(examples: Batch, size: Size, split: str) -> OpenIndexed:
    """Args: examples: all of them as one batch, which may be nested; of train for eval_train."""

    def rows(chosen: IntArray, rng: np.random.Generator | None) -> Batch:
        return map_arrays(lambda array: array[chosen], examples)

    return OpenIndexed(num_rows(examples), size, split, rows)
