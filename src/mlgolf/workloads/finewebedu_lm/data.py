"""Batches of token rows: `inputs` and `targets` (B, L) int32, each target the input behind it.

The raw format is that of Hugging Face's datasets on disk (`data/token_files.py`), one in `train`,
one in `val` and at mini size one in `test`. The tokens of all documents, one after the other, are
cut into rows of L + 1, and what is left at the end is dropped. Prepared, a split is one file,
`rows.npy`, (rows, L + 1) uint16, which is mapped and read as it is needed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, IntArray
from mlgolf.core.errors import DataError
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.indexed import OpenIndexed
from mlgolf.data.pieces import RAW_FOLDERS, Piece, Pieces, write_all

ROWS = "rows.npy"

DRAWN = SPLITS  # which documents are held out, and so which are trained on
MADE_BY = ("mlgolf.data.make_tokens", "mlgolf.data.token_files")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """Documentation of Python, in tokens that are trained on its training part.

    The draw decides about all of it, so there is nothing left for the seed.
    """
    # It loads libraries that a player which only trains does not need.
    from mlgolf.data.make_tokens import make_tokens

    make_tokens(raw, size.data.recipe, size.examples, draw, splits)


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    """As many rows of each split as it should have; the text may hold more.

    Raises: DataError if files are missing or not in the format, or hold too few tokens.
    """
    write_all(pieces(raw, size, splits), raw, prepared)


def pieces(raw: Path, size: Size, splits: Sequence[str] = SPLITS) -> Pieces:
    """One for each raw file: its tokens, which are joined and cut into rows when all are read.

    Raises: DataError if a split has no list of its files.
    """
    # As above: what reads raw data is for preparing alone.
    from mlgolf.data.token_files import file_names, read_tokens

    splits = [split for split in splits if split in size.splits]  # none was published for test
    folders = {split: raw / RAW_FOLDERS[split] for split in splits}
    names = {split: file_names(folder) for split, folder in folders.items()}

    def check_count(split: str, rows: int) -> None:
        if rows < size.examples[split]:
            raise DataError(
                f"{folders[split]}: found tokens for {rows:,} rows of {size.data.length + 1:,}, "
                f"expected {size.examples[split]:,} rows."
            )

    def join(folder: Path, scratch: Path) -> None:
        split = folder.name
        shape = size.examples[split], size.data.length + 1
        _write_rows(folder / ROWS, [_tokens_file(scratch, name) for name in names[split]], shape)

    def piece(split: str, name: str) -> Piece:
        path = folders[split] / name
        read = partial(read_tokens, path, size.data.vocabulary)
        return Piece(
            split=split, name=name, sources=[path],
            read=partial(_count, read), write=partial(_write, read, name),
        )

    return Pieces(
        pieces=[piece(split, name) for split in splits for name in names[split]],
        splits=splits,
        check_count=check_count,
        finish=join,
        per_example=size.data.length + 1,
        limits=size.examples,
    )


Read = Callable[[BadRecords], NDArray[np.uint16]]


def _count(read: Read, bad: BadRecords) -> int:
    return len(read(bad))


def _write(read: Read, name: str, folder: Path, scratch: Path, bad: BadRecords) -> int:
    tokens = read(bad)
    tokens.tofile(_tokens_file(scratch, name))
    return len(tokens)


def _tokens_file(scratch: Path, name: str) -> Path:
    return scratch / f"{name}.tokens"


def _write_rows(path: Path, files: Sequence[Path], shape: tuple[int, int]) -> None:
    """The first tokens of the files, as many as `shape` takes, or fewer whole rows."""
    tokens = sum(file.stat().st_size for file in files) // np.dtype(np.uint16).itemsize
    rows = np.lib.format.open_memmap(
        path, "w+", np.uint16, (min(shape[0], tokens // shape[1]), shape[1])
    )
    flat, written = rows.reshape(-1), 0
    for file in files:
        piece = np.fromfile(file, np.uint16, len(flat) - written)
        flat[written : written + len(piece)] = piece
        written += len(piece)
    rows.flush()


def open_split(folder: Path, size: Size, split: str) -> OpenIndexed:
    """Rows are mapped, and read as they are needed."""
    # A plain view of the mapped file: each row of a np.memmap would be one, too, and slow.
    rows: NDArray[np.uint16] = np.asarray(np.load(folder / ROWS, mmap_mode="r"))

    def batch(chosen: IntArray, rng: np.random.Generator | None) -> Batch:
        tokens = rows[chosen].astype(np.int32)
        return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:]}

    return OpenIndexed(len(rows), size, split, batch)
