"""Tokenised text as the Hugging Face `datasets` library saves it, read and written without it.

    <folder>/state.json           `_data_files`: names of the files, in order
    <folder>/dataset_info.json    `features`: names and types of the columns
    <folder>/*.arrow              Arrow IPC streams with a column `input_ids`: a list per document
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlgolf.core.errors import DataError
from mlgolf.data.bad_records import BadRecords

COLUMN = "input_ids"
STATE = "state.json"
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
NO_TOKENS = np.empty(0, np.uint16)
TokenArray = NDArray[np.uint16]


def file_names(folder: Path) -> list[str]:
    """Those of a dataset, in the order of their documents. Raises: DataError if there is none."""
    path = folder / STATE
    try:
        return [str(file["filename"]) for file in json.loads(path.read_text())["_data_files"]]
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


def read_tokens(path: Path, vocabulary: int, bad: BadRecords) -> TokenArray:
    """The tokens of a file's documents, one after the other.

    Args:
      vocabulary: every token is below this; 65,536 at most.
      bad: hears of documents that hold something else, which are left out, and of files that are
        missing, cut short or of another format, which are left out as a whole. Documents are
        numbered from 1 within their file.
    """
    try:
        documents = _column(path)
        tokens = _tokens_of(path, documents, vocabulary, bad)
    except DataError as error:
        bad.add(path, "", str(error))
        return NO_TOKENS
    return NO_TOKENS if not bad.of(path) and bad.add_if_changed(path) else tokens


def _tokens_of(
    path: Path, documents: pl.Series, vocabulary: int, bad: BadRecords
) -> TokenArray:
    """Of the good documents."""
    missing = documents.is_null()
    for number in missing.arg_true():
        bad.add(path, f"document {number + 1}", "found no list of tokens")
    documents = documents.filter(~missing)
    tokens = documents.explode(empty_as_null=False)
    if not tokens.dtype.is_integer():
        raise DataError(f"found {COLUMN} of type {tokens.dtype}, expected integers")
    values, missing_token = tokens.fill_null(0).to_numpy(), tokens.is_null().to_numpy()
    wrong = np.flatnonzero(missing_token | (values < 0) | (values >= vocabulary))
    if not wrong.size:
        return values.astype(np.uint16)
    of_document = np.repeat(np.arange(len(documents)), documents.list.len().to_numpy())
    left_out, first = np.unique(of_document[wrong], return_index=True)
    numbers = np.flatnonzero(~missing.to_numpy()) + 1
    for document, place in zip(left_out, wrong[first], strict=True):
        found = "nothing" if missing_token[place] else f"{values[place]:,}"
        what = f"found {found} as a token, expected 0 to {vocabulary - 1:,}"
        bad.add(path, f"document {numbers[document]}", what)
    return values[~np.isin(of_document, left_out)].astype(np.uint16)


def _column(path: Path) -> pl.Series:
    """The lists of a file, one per document. Raises: DataError that says what was found."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(END_OF_STREAM)))
            ended = file.read() == END_OF_STREAM
        if not ended:
            raise DataError("ends within the stream, as if cut short")
        column = pl.read_ipc_stream(path, columns=[COLUMN])[COLUMN]
    except FileNotFoundError:
        raise DataError(f"found no file, but {STATE} beside it lists it") from None
    except OSError as error:
        raise DataError(f"found a file that cannot be read: {error.strerror}") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(f"found no Arrow stream with a column {COLUMN}: {error}") from None
    if not isinstance(column.dtype, pl.List):
        raise DataError(f"found {COLUMN} of type {column.dtype}, expected lists")
    return column


def write_tokens(folder: Path, documents: Sequence[list[int]], per_file: int) -> None:
    """Files of the lists, and what `load_from_disk` needs to find and to type them.

    Args: per_file: documents in a file.
    """
    folder.mkdir(parents=True)
    parts = range(0, len(documents), per_file)
    names = [f"data-{n:05d}-of-{len(parts):05d}.arrow" for n in range(len(parts))]
    digest = hashlib.sha256()
    for name, start in zip(names, parts, strict=True):
        lists = documents[start : start + per_file]
        column = pl.Series(COLUMN, lists, dtype=pl.List(pl.Int32))
        pl.DataFrame([column]).write_ipc_stream(folder / name)
        digest.update((folder / name).read_bytes())
    features = {COLUMN: {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "LargeList"}}
    state = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": digest.hexdigest()[:16], "_format_columns": None, "_format_kwargs": {},
        "_format_type": None, "_output_all_columns": False, "_split": None,
    }  # fmt: skip
    _write_json(folder / STATE, state)
    _write_json(folder / "dataset_info.json", {"features": features})


def _write_json(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=2) + "\n")
