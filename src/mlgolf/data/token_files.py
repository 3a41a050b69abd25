"""Tokenised text as the Hugging Face `datasets` library saves it, read and written without it.

    <folder>/state.json           `_data_files`: names of the files, in order
    <folder>/dataset_info.json    `features`: names and types of the columns
    <folder>/*.arrow              Arrow IPC streams with a column `input_ids`: a list per document
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlgolf.core.errors import DataError

COLUMN = "input_ids"
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
TokenArray = NDArray[np.uint16]


def read_tokens(folder: Path, vocabulary: int) -> Iterator[TokenArray]:
    """The tokens of each file, those of its documents one after the other.

    Args:
      vocabulary: every token is below this; 65,536 at most.
    Raises: DataError naming the file that is missing, cut short or of another format.
    """
    for name in _file_names(folder):
        yield _tokens_of(folder / name, vocabulary)


def _file_names(folder: Path) -> list[str]:
    path = folder / "state.json"
    try:
        return [file["filename"] for file in json.loads(path.read_text())["_data_files"]]
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}; expected a folder that `save_to_disk` of Hugging Face's "
            "datasets has written."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: found no list of files ({error}), expected "
            '{"_data_files": [{"filename": …}, …]}.'
        ) from None


def _tokens_of(path: Path, vocabulary: int) -> TokenArray:
    tokens = _column(path).explode(empty_as_null=False)
    if not tokens.dtype.is_integer() or tokens.null_count():
        raise DataError(f"{path}: found {COLUMN} of type {tokens.dtype}, expected integers.")
    found = tokens.to_numpy()
    if found.size and (found.min() < 0 or found.max() >= vocabulary):
        raise DataError(
            f"{path}: found tokens from {found.min():,} to {found.max():,}, expected 0 to "
            f"{vocabulary - 1:,}."
        )
    return found.astype(np.uint16)


def _column(path: Path) -> pl.Series:
    """The lists of a file, one per document."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(END_OF_STREAM)))
            ended = file.read() == END_OF_STREAM
        if not ended:
            raise DataError(f"{path}: ends within the stream, as if cut short. Copy it anew.")
        column = pl.read_ipc_stream(path, columns=[COLUMN])[COLUMN]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; state.json beside it lists it.") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path}: not an Arrow stream with a column {COLUMN}: {error}."
        ) from None
    if not isinstance(column.dtype, pl.List):
        raise DataError(f"{path}: found {COLUMN} of type {column.dtype}, expected lists.")
    return column


def write_tokens(folder: Path, documents: Iterable[list[int]]) -> None:
    """One file of the lists, and what `load_from_disk` needs to find and to type it."""
    folder.mkdir(parents=True)
    name = "data-00000-of-00001.arrow"
    column = pl.Series(COLUMN, list(documents), dtype=pl.List(pl.Int32))
    pl.DataFrame([column]).write_ipc_stream(folder / name)
    features = {COLUMN: {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "LargeList"}}
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    state = {
        "_data_files": [{"filename": name}], "_fingerprint": digest[:16], "_format_columns": None,
        "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False, "_split": None,
    }  # fmt: skip
    _write_json(folder / "state.json", state)
    _write_json(folder / "dataset_info.json", {"features": features})


def _write_json(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2) + "\n")
