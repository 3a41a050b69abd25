"""Batches of clicks: `inputs` (B, 39) float32, `targets` (B, 1) float32.

Inputs are 13 dense features and 26 category ids. Ids are floats as in the published pipeline, where
those above 2**24 lose their lowest bits.

The raw format is Criteo's, cut into files `day_<d>_<nn>`: days 0 to 22 are for training; of day
23, files 00 to 18 are the test split and 19 to 35 the validation split. Prepared, each file is a
pair of arrays, `<file>.inputs.npy` and `<file>.targets.npy`, which open at once and are read as
they are needed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import DataError
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.batches import EVAL_TRAIN_SEED, join_batches, pad_batch, slice_batch, training_part
from mlgolf.data.click_logs import NO_CLICKS, Clicks, read_clicks
from mlgolf.data.pieces import Piece, Pieces, write_all

HELD_OUT_DAY, FIRST_VALIDATION_FILE = 23, 19
_RAW_NAME = re.compile(r"day_(\d+)_(\d+)")


DRAWN = ("validation", "test")
MADE_BY = ("mlgolf.data.make_clicks", "mlgolf.data.click_logs")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """Generated logs in Criteo's format."""
    # polars is for making alone: a player that only trains does not load it.
    from mlgolf.data.make_clicks import make_clicks

    make_clicks(raw, size.data.recipe, size.examples, seed, draw, splits)


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    """Arrays of each file, in the folder of its split.

    Raises: DataError if a file is not in the format, or a split has fewer rows than it should.
    """
    write_all(pieces(raw, size, splits), raw, prepared)


def pieces(raw: Path, size: Size, splits: Sequence[str] = SPLITS) -> Pieces:
    """One for each raw file. Raises: DataError if a file has another name than it may have."""
    found = sorted(raw.iterdir())
    split_by_path = {path: split_of(path) for path in [*found, *_missing(raw, found)]}
    vocabulary_sizes = size.data.vocabulary_sizes

    def check_count(split: str, rows: int) -> None:
        if rows < size.examples[split]:
            raise DataError(
                f"{raw}: found {rows:,} rows of the {split} split, expected "
                f"{size.examples[split]:,}."
            )

    return Pieces(
        pieces=[
            Piece(
                split=split, name=path.name, sources=[path],
                read=partial(_read, path, vocabulary_sizes),
                write=partial(_write, path, vocabulary_sizes),
            )
            for path, split in sorted(split_by_path.items()) if split in splits
        ],
        check_count=check_count,
        splits=splits,
    )


def _read(path: Path, vocabulary_sizes: Sequence[int], bad: BadRecords) -> int:
    return len(_clicks(path, vocabulary_sizes, bad).targets)


def _write(
    path: Path, vocabulary_sizes: Sequence[int], folder: Path, scratch: Path, bad: BadRecords
) -> int:
    clicks = _clicks(path, vocabulary_sizes, bad)
    if path.exists():
        np.save(folder / f"{path.name}.inputs.npy", clicks.inputs)
        np.save(folder / f"{path.name}.targets.npy", clicks.targets)
    return len(clicks.targets)


def _clicks(path: Path, vocabulary_sizes: Sequence[int], bad: BadRecords) -> Clicks:
    """The good lines of a file; none if it is missing, or changed in a way that no line shows."""
    if not path.exists():
        bad.add(path, "", "this file is missing; a later one of its day is there")
        return NO_CLICKS
    clicks = read_clicks(path, vocabulary_sizes, bad)
    return NO_CLICKS if not bad.of(path) and bad.add_if_changed(path) else clicks


def _missing(raw: Path, found: Iterable[Path]) -> list[Path]:
    """Files that are not there, though a later one of the same part of a day is."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for path in found:
        if match := _RAW_NAME.fullmatch(path.name):
            numbers.setdefault((match[1], split_of(path)), []).append(int(match[2]))
    missing = []
    for (day, split), there in numbers.items():
        first = FIRST_VALIDATION_FILE if split == "validation" else 0
        gaps = {*range(first, max(there))} - {*there}
        missing += [raw / f"day_{day}_{number:02d}" for number in sorted(gaps)]
    return missing


def split_of(path: Path) -> str:
    """Which split a raw file belongs to, by its name. Raises: DataError."""
    match = _RAW_NAME.fullmatch(path.name)
    if match is None:
        raise DataError(
            f"{path}: found a name that is not day_<d>_<nn>, as in day_0_00 or day_23_19."
        )
    day, number = int(match[1]), int(match[2])
    if day < HELD_OUT_DAY:
        return "train"
    return "test" if number < FIRST_VALIDATION_FILE else "validation"


class OpenClicks:
    """One split, its files mapped one at a time: a process may not hold all 885 open.

    Args:
      folder: prepared; that of train for eval_train.
    """

    def __init__(self, folder: Path, size: Size, split: str) -> None:
        self._folder, self._names = folder, file_names(folder)
        self._size, self._split = size, split

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        """Files in a new shuffled order every epoch; lines within a file keep theirs."""
        return batches_of(self._endless_files(np.random.default_rng(seed)), batch_size)

    def eval_batches(self) -> Iterator[Batch]:
        """Files in the order of their names; for eval_train, in one fixed shuffled order."""
        at_once, left = self._size.eval_batch_size, self._size.examples[self._split]
        names = self._names
        if self._split == "eval_train":
            names = self._trained_on()
            np.random.default_rng(EVAL_TRAIN_SEED).shuffle(names)
        for batch in batches_of((open_file(self._folder, name) for name in names), at_once):
            yield pad_batch(slice_batch(batch, 0, left), at_once)
            left -= at_once
            if left <= 0:
                return

    def _endless_files(self, rng: np.random.Generator) -> Iterator[Batch]:
        names = self._trained_on()
        if not names:
            raise DataError(f"{self._folder}: found no files, expected at least one.")
        while True:
            for number in rng.permutation(len(names)):
                yield open_file(self._folder, names[number])

    def _trained_on(self) -> list[str]:
        """Files of the training split: a part of the data is a part of these."""
        return [self._names[n] for n in training_part(len(self._names), self._size.data_fraction)]


def open_split(folder: Path, size: Size, split: str) -> OpenClicks:
    return OpenClicks(folder, size, split)


def file_names(folder: Path) -> list[str]:
    """Names of the raw files that a split was prepared from, sorted."""
    return sorted(path.name.removesuffix(".inputs.npy") for path in folder.glob("*.inputs.npy"))


def open_file(folder: Path, name: str) -> Batch:
    """All rows of a file, mapped rather than read."""
    return {
        key: np.load(folder / f"{name}.{key}.npy", mmap_mode="r") for key in ("inputs", "targets")
    }


def batches_of(files: Iterable[Batch], batch_size: int) -> Iterator[Batch]:
    """Rows of the files one after the other, in batches that may span two; the last may be short.

    Batches are copies: nothing that is done to them touches the files.
    """
    waiting: list[Batch] = []
    missing = batch_size
    for file in files:
        rows, start = len(file["targets"]), 0
        while rows - start >= missing:
            yield join_batches([*waiting, slice_batch(file, start, start + missing)])
            waiting, start, missing = [], start + missing, batch_size
        if start < rows:
            waiting.append(slice_batch(file, start, rows))
            missing -= rows - start
    if waiting:
        yield join_batches(waiting)
