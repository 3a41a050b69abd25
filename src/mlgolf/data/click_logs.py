"""Click logs in the format of Criteo's 1TB data: how a line becomes numbers.

A line holds, separated by tabs, the label, 13 integers and 26 strings of 8 hexadecimal digits;
anything but the label may be empty. A file is read at once and no further than it is needed.

Source: mlcommons/algorithmic-efficiency, algoperf/workloads/criteo1tb/input_pipeline.py.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlgolf.core.errors import DataError
from mlgolf.data.click_format import (
    CATEGORICAL,
    DENSE,
    LABEL,
    NUM_CATEGORICAL,
    NUM_DENSE,
    NUM_INPUTS,
)
from mlgolf.data.farmhash import fingerprint64

SCHEMA = pl.Schema(
    {LABEL: pl.Int8} | dict.fromkeys(DENSE, pl.Int64) | dict.fromkeys(CATEGORICAL, pl.String)
)
MISSING_INTEGER = -1
MISSING_CATEGORY = "00000000"


class Clicks(NamedTuple):
    """Rows as the network gets them."""

    inputs: NDArray[np.float32]  # (rows, 39): 13 dense features, then 26 ids as floats
    targets: NDArray[np.float32]  # (rows, 1): 1 for a click


def read_clicks(path: Path, vocabulary_sizes: Sequence[int]) -> Clicks:
    """One file of logs, its lines in their order.

    Args:
      vocabulary_sizes: how many ids each of the 26 categorical columns has.
    Raises: DataError if the file is not in the format.
    """
    try:
        frame = scan_clicks(path).collect()
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path}: not a click log: {error}. Expected lines of a label, {NUM_DENSE} integers "
            f"and {NUM_CATEGORICAL} strings, separated by tabs."
        ) from None
    inputs = np.empty((frame.height, NUM_INPUTS), np.float32)
    for column, name in enumerate(DENSE):
        inputs[:, column] = dense_feature(frame[name].fill_null(MISSING_INTEGER).to_numpy())
    for column, (name, size) in enumerate(zip(CATEGORICAL, vocabulary_sizes, strict=True)):
        inputs[:, NUM_DENSE + column] = category_ids(frame[name], column, size)
    return Clicks(inputs, frame[LABEL].to_numpy().astype(np.float32)[:, None])


def scan_clicks(path: Path) -> pl.LazyFrame:
    """The file as a lazy table with the columns of SCHEMA; nothing is read yet."""
    return pl.scan_csv(path, separator="\t", has_header=False, schema=SCHEMA, quote_char=None)


def dense_feature(integers: NDArray[np.integer]) -> NDArray[np.float32]:
    """log(max(x, 0) + 1), in single precision."""
    return np.log(np.maximum(integers, 0).astype(np.float32) + np.float32(1))


def category_ids(strings: pl.Series, column: int, vocabulary_size: int) -> NDArray[np.uint64]:
    """Fingerprint of each string followed by its column's number, modulo the vocabulary.

    Args:
      strings: (rows,); null where a category is missing.
      column: 0 to 25, which of the categorical columns this is.
    Returns: (rows,), in [0, vocabulary_size).
    """
    # A column repeats few strings many times, so each is hashed once.
    known = strings.fill_null(MISSING_CATEGORY)
    distinct = known.unique()
    salted = np.char.add(distinct.to_numpy().astype(np.bytes_), str(column).encode())
    ids = pl.Series(fingerprint64(salted) % np.uint64(vocabulary_size))
    return known.replace_strict(distinct, ids, return_dtype=pl.UInt64).to_numpy()
