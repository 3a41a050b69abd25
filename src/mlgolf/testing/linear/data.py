"""Rows of numbers: `inputs` (B, dimensions), `targets` (B, 1), both float32."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import shuffled_batches, training_part

DRAWN = ("validation", "test")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """One .npy file of rows per split: features first, the target last."""
    line = size.data
    training = np.random.default_rng(seed)
    weights = training.normal(size=line.dimensions)
    scales = np.geomspace(1.0, 1.0 / line.condition, line.dimensions)
    for split in splits:
        held_out = np.random.default_rng([draw, SPLITS.index(split)])
        rng = held_out if split in DRAWN else training
        inputs = rng.normal(size=(size.examples[split], line.dimensions)) * scales
        noise = line.noise * rng.normal(size=len(inputs))
        targets = inputs @ (weights / scales) / np.sqrt(line.dimensions) + noise
        np.save(raw / f"{split}.npy", np.column_stack([inputs, targets]).astype(np.float32))


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    for split in splits:
        (prepared / split).mkdir(parents=True)
        np.save(prepared / split / "rows.npy", np.load(raw / f"{split}.npy"))


class Rows:
    """One split, open."""

    def __init__(self, rows: np.ndarray, size: Size) -> None:
        self._rows, self._size = rows, size

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        rng = np.random.default_rng(seed)
        for chosen in shuffled_batches(
            len(self._rows), batch_size, rng, self._size.data_fraction
        ):
            yield _batch(self._rows[chosen])

    def eval_batches(self) -> Iterator[Batch]:
        at_once = self._size.eval_batch_size
        for start in range(0, len(self._rows), at_once):
            yield _batch(self._rows[start : start + at_once])


def open_split(folder: Path, size: Size, split: str) -> Rows:
    rows = np.load(folder / "rows.npy")
    if split == "eval_train":  # some that are trained on
        rows = rows[training_part(len(rows), size.data_fraction)]
    return Rows(rows[: size.examples[split]], size)


def _batch(rows: np.ndarray) -> Batch:
    return {"inputs": np.ascontiguousarray(rows[:, :-1]), "targets": rows[:, -1:].copy()}
