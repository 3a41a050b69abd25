"""Rows of numbers: `inputs` (B, dimensions), `targets` (B, 1), both float32."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import shuffled_batches


def make(raw: Path, size: Size, seed: int) -> None:
    """One .npy file of rows per split: features first, the target last."""
    rng = np.random.default_rng(seed)
    line = size.data
    weights = rng.normal(size=line.dimensions)
    scales = np.geomspace(1.0, 1.0 / line.condition, line.dimensions)
    for split in SPLITS:
        inputs = rng.normal(size=(size.examples[split], line.dimensions)) * scales
        noise = line.noise * rng.normal(size=len(inputs))
        targets = inputs @ (weights / scales) / np.sqrt(line.dimensions) + noise
        np.save(raw / f"{split}.npy", np.column_stack([inputs, targets]).astype(np.float32))


def prepare(raw: Path, prepared: Path, size: Size) -> None:
    for split in SPLITS:
        (prepared / split).mkdir(parents=True)
        np.save(prepared / split / "rows.npy", np.load(raw / f"{split}.npy"))


class Rows:
    """One split, open."""

    def __init__(self, rows: np.ndarray, eval_batch_size: int) -> None:
        self._rows, self._eval_batch_size = rows, eval_batch_size

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        rng = np.random.default_rng(seed)
        for chosen in shuffled_batches(len(self._rows), batch_size, rng):
            yield _batch(self._rows[chosen])

    def eval_batches(self) -> Iterator[Batch]:
        for start in range(0, len(self._rows), self._eval_batch_size):
            yield _batch(self._rows[start : start + self._eval_batch_size])


def open_split(folder: Path, size: Size, split: str) -> Rows:
    rows = np.load(folder / "rows.npy")[: size.examples[split]]
    return Rows(rows, size.eval_batch_size)


def _batch(rows: np.ndarray) -> Batch:
    return {"inputs": np.ascontiguousarray(rows[:, :-1]), "targets": rows[:, -1:].copy()}
