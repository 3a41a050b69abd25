"""Nested batches: `inputs` {"readings": (B, longest, channels) float32, "lengths": (B,) int64} and
`targets` (events (B,) int64,).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.arrays import open_arrays, prepare_arrays, read_arrays
from mlgolf.data.indexed import OpenIndexed

DRAWN = ("validation", "test")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """One .npz file per split."""
    recordings = size.data
    training = np.random.default_rng(seed)
    direction = training.normal(size=recordings.channels)
    direction /= np.linalg.norm(direction)
    for split in splits:
        held_out = np.random.default_rng([draw, SPLITS.index(split)])
        rng, count = held_out if split in DRAWN else training, size.examples[split]
        events = rng.random(count) < recordings.frequency
        readings = rng.normal(size=(count, recordings.longest, recordings.channels))
        readings += recordings.shift * events[:, None, None] * direction
        lengths = rng.integers(1, recordings.longest, count, endpoint=True)
        np.savez(
            raw / f"{split}.npz", readings=readings.astype(np.float32), lengths=lengths,
            events=events.astype(np.int64),
        )


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    prepare_arrays(raw, prepared, splits)


def open_split(folder: Path, size: Size, split: str) -> OpenIndexed:
    arrays = read_arrays(folder)
    inputs = {"readings": arrays["readings"], "lengths": arrays["lengths"]}
    return open_arrays({"inputs": inputs, "targets": (arrays["events"],)}, size, split)
