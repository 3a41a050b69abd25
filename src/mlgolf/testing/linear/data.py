"""Rows of numbers: `inputs` (B, dimensions), `targets` (B, 1), both float32."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.arrays import open_arrays, read_arrays, write_arrays
from mlgolf.data.indexed import OpenIndexed

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
        rows = np.load(raw / f"{split}.npy")
        write_arrays(prepared, split, {"inputs": rows[:, :-1], "targets": rows[:, -1:]})


def open_split(folder: Path, size: Size, split: str) -> OpenIndexed:
    return open_arrays(read_arrays(folder), size, split)
