"""Nested batches: `inputs` {"readings": (B, longest, channels) float32, "lengths": (B,) int64} and
`targets` (events (B,) int64,).
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import num_rows, pad_batch, shuffled_batches, slice_batch, training_part

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
    for split in splits:
        (prepared / split).mkdir(parents=True)
        shutil.copy(raw / f"{split}.npz", prepared / split / "recordings.npz")


class OpenRecordings:
    def __init__(self, recordings: Batch, size: Size) -> None:
        self._all, self._size = recordings, size

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        rng, part = np.random.default_rng(seed), self._size.data_fraction
        for chosen in shuffled_batches(num_rows(self._all), batch_size, rng, part):
            yield map_arrays(lambda array, rows=chosen: array[rows], self._all)

    def eval_batches(self) -> Iterator[Batch]:
        at_once = self._size.eval_batch_size
        for start in range(0, num_rows(self._all), at_once):
            yield pad_batch(slice_batch(self._all, start, start + at_once), at_once)


def open_split(folder: Path, size: Size, split: str) -> OpenRecordings:
    with np.load(folder / "recordings.npz") as file:
        inputs = {"readings": file["readings"], "lengths": file["lengths"]}
        recordings = {"inputs": inputs, "targets": (file["events"],)}
    if split == "eval_train":  # some that are trained on
        rows = training_part(num_rows(recordings), size.data_fraction)
        recordings = map_arrays(lambda array: array[rows], recordings)
    return OpenRecordings(slice_batch(recordings, 0, size.examples[split]), size)
