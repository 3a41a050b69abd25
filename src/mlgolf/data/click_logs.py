"""Click logs in the format of Criteo's 1TB data: how a line becomes numbers.

A line holds, separated by tabs, the label, 13 integers and 26 strings of up to 8 hexadecimal
digits; anything but the label may be empty. A file is read in blocks of lines, and a block as
arrays: numpy finds where its fields lie, then reads each column as words of 8 bytes.

Source: mlcommons/algorithmic-efficiency, algoperf/workloads/criteo1tb/input_pipeline.py.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import BoolArray, IntArray
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.click_format import NUM_CATEGORICAL, NUM_DENSE, NUM_INPUTS
from mlgolf.data.farmhash import fingerprint64, fingerprint64_of_words
from mlgolf.data.parallel import mapped

MISSING_CATEGORY = b"00000000"
NUM_FIELDS = 1 + NUM_INPUTS
CATEGORY_BYTES, MOST_DIGITS = 8, 16
BLOCK_BYTES = 2**19  # what is made of a block fits into a core's cache

Words = NDArray[np.uint64]
Places = NDArray[np.integer]
_U64 = np.uint64
_ALLOWED, _SEPARATOR, _SIGN, _OTHER = range(4)  # of bytes
_KINDS = bytes(
    _SEPARATOR if byte in b"\t\n" else _SIGN if byte in b"-"
    else _ALLOWED if byte in b"0123456789abcdefABCDEF" else _OTHER
    for byte in range(256)
)  # fmt: skip


class Clicks(NamedTuple):
    """Rows as the network gets them."""

    inputs: NDArray[np.float32]  # (rows, 39): 13 dense features, then 26 ids as floats
    targets: NDArray[np.float32]  # (rows, 1): 1 for a click


NO_CLICKS = Clicks(np.empty((0, NUM_INPUTS), np.float32), np.empty((0, 1), np.float32))


def read_clicks(
    path: Path, vocabulary_sizes: Sequence[int], bad: BadRecords | None = None
) -> Clicks:
    """One file of logs, its lines in their order.

    Args:
      vocabulary_sizes: how many ids each of the 26 categorical columns has.
      bad: hears of lines that are not in the format; they are left out.
    Raises: DataError if a line is not in the format and nobody hears of it.
    """
    heard = BadRecords(path.parent) if bad is None else bad
    rows = sum(block.count(b"\n") for block in blocks(path))
    clicks = Clicks(np.empty((rows, NUM_INPUTS), np.float32), np.empty((rows, 1), np.float32))
    filled = line = 0
    is_good = True  # the last line
    read = partial(read_block, vocabulary_sizes=vocabulary_sizes)
    for part, faults in mapped(read, blocks(path)):
        for number, found in faults:
            heard.add(path, f"line {line + number + 1}", found)
        end = filled + len(part.inputs)
        clicks.inputs[filled:end], clicks.targets[filled:end] = part
        lines = len(part.inputs) + len(faults)
        is_good = not faults or faults[-1][0] < lines - 1
        line, filled = line + lines, end
    if is_good and _is_cut_short(path):
        heard.add(path, f"line {line}", "found the beginning of a line; the file ends there")
        filled -= 1
    if bad is None:
        heard.refuse(f"{path}: not a click log.")
    return Clicks(clicks.inputs[:filled], clicks.targets[:filled])


def blocks(path: Path) -> Iterator[bytes]:
    """A file in pieces of whole lines, each of which ends with a line break."""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            block += file.readline()
            yield block if block.endswith(b"\n") else block + b"\n"


def _is_cut_short(path: Path) -> bool:
    """Whether a file ends in the middle of a category, and so not behind a line."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - NUM_FIELDS))
        _, tab, category = file.read().rpartition(b"\t")
    return bool(tab) and category.isalnum() and len(category) < CATEGORY_BYTES


def read_block(
    block: bytes, vocabulary_sizes: Sequence[int]
) -> tuple[Clicks, list[tuple[int, str]]]:
    """Rows of the good lines of a block, and the others: number from 0, what was found."""
    # Words are read that end with a field, and others that begin with one.
    padded = b"0" * CATEGORY_BYTES * 2 + block + b"0" * CATEGORY_BYTES
    text, kinds = (np.frombuffer(b, np.uint8) for b in (padded, padded.translate(_KINDS)))
    ends = np.flatnonzero(kinds == _SEPARATOR)
    last_fields = np.flatnonzero(text[ends] == ord("\n"))
    faults = _Faults(block, np.diff(last_fields, prepend=-1))
    starts = np.concatenate([[CATEGORY_BYTES * 2], ends[:-1] + 1])
    faults.add_lines(faults.fields != NUM_FIELDS)
    faults.add_lines_of(_misplaced(kinds), ends[last_fields])
    if not faults.good.all():
        kept = np.repeat(faults.good, faults.fields)
        starts, ends = starts[kept], ends[kept]
    lines = Lines(text, starts.reshape(-1, NUM_FIELDS), ends.reshape(-1, NUM_FIELDS))
    labels, is_label = lines.labels()
    dense, are_integers = lines.dense_features()
    ids, are_categories = lines.category_ids(vocabulary_sizes)
    is_good = is_label & are_integers & are_categories
    faults.add_lines_left(~is_good)
    inputs = np.concatenate([dense, ids]).T
    if not is_good.all():
        inputs, labels = inputs[is_good], labels[is_good]
    return Clicks(inputs, labels[:, None]), faults.in_words()


def _misplaced(kinds: NDArray[np.uint8]) -> Places:
    """Places of bytes that are in no field, and of signs that begin none."""
    places = np.flatnonzero(kinds >= _SIGN)
    return places[(kinds[places] == _OTHER) | (kinds[places - 1] != _SEPARATOR)]


def dense_feature(integers: NDArray[np.integer]) -> NDArray[np.float32]:
    """log(max(x, 0) + 1), in single precision."""
    return np.log(np.maximum(integers, 0).astype(np.float32) + np.float32(1))


class Lines:
    """Lines of 40 fields, and where these lie.

    Args:
      text: bytes; 16 before the first field and 8 behind the last may be read.
      starts, ends: (lines, 40), where each field begins, and the separator behind it.
    """

    def __init__(self, text: NDArray[np.uint8], starts: Places, ends: Places) -> None:
        self._text = text
        # Columns are read one after the other, so each has its places side by side.
        self._starts = np.ascontiguousarray(starts.T)
        self._lengths = np.ascontiguousarray((ends - starts).T)
        self._words = np.ndarray(len(text) - 7, "<u8", text, strides=(1,))  # one at every byte

    def labels(self) -> tuple[NDArray[np.float32], BoolArray]:
        """(lines,) each: 0 or 1, and whether it is one of them."""
        labels = self._text[self._starts[0]] - np.uint8(ord("0"))
        return labels.astype(np.float32), (labels <= 1) & (self._lengths[0] == 1)

    def dense_features(self) -> tuple[NDArray[np.float32], BoolArray]:
        """(13, lines); and (lines,), whether all integers are such, or missing."""
        features = np.zeros((NUM_DENSE, self._starts.shape[1]), np.float32)
        is_good = np.ones(features.shape[1], bool)
        for column in range(NUM_DENSE):
            starts, lengths = self._starts[1 + column], self._lengths[1 + column]
            if lengths.any():
                integers, are_integers = self._integers(starts, lengths)
                features[column] = dense_feature(integers)
                is_good &= are_integers
        return features, is_good

    def _integers(self, starts: Places, lengths: Places) -> tuple[IntArray, BoolArray]:
        """(lines,) each: 0 where one is missing or negative, and whether it is in the format."""
        is_negative = (self._text[starts] == ord("-")) & (lengths > 1)
        ends, digits = starts + lengths, (lengths - is_negative).astype(_U64)
        values, is_good = _number(self._words[ends - 8], np.minimum(digits, _U64(8)))
        longer = np.flatnonzero(digits > 8)
        if len(longer):
            above = np.minimum(digits[longer] - _U64(8), _U64(8))
            high, also = _number(self._words[ends[longer] - 16], above)
            values[longer] += high * _U64(10**8)
            is_good[longer] &= also & (digits[longer] <= MOST_DIGITS)
        values[is_negative] = 0
        return values.astype(np.int64), is_good

    def category_ids(
        self, vocabulary_sizes: Sequence[int]
    ) -> tuple[NDArray[np.float32], BoolArray]:
        """Fingerprint of each category followed by its column's number, modulo the vocabulary.

        Returns: ids (26, lines); and (lines,), whether all categories are in the format.
        """
        ids = np.empty((NUM_CATEGORICAL, self._starts.shape[1]), np.float32)
        is_good = np.ones(ids.shape[1], bool)
        for column, size in enumerate(vocabulary_sizes):
            starts = self._starts[1 + NUM_DENSE + column]
            lengths = self._lengths[1 + NUM_DENSE + column]
            usual = lengths == CATEGORY_BYTES
            if usual.all():
                ids[column] = _ids(self._words[starts], column, size)
            else:
                ids[column] = _missing_id(column, size)
                filled = np.flatnonzero(lengths)
                if len(filled):
                    self._fill(ids[column], filled, column, size)
                is_good &= lengths <= CATEGORY_BYTES
            is_good &= self._text[starts] != ord("-")
        return ids, is_good

    def _fill(self, ids: NDArray[np.float32], filled: Places, column: int, size: int) -> None:
        """The ids of a column's categories, some of which are missing or short."""
        starts = self._starts[1 + NUM_DENSE + column][filled]
        lengths = self._lengths[1 + NUM_DENSE + column][filled]
        ids[filled] = _ids(self._words[starts], column, size)
        for place in np.flatnonzero(lengths < CATEGORY_BYTES):
            letters = self._text[starts[place] : starts[place] + lengths[place]].tobytes()
            ids[filled[place]] = _id_of(letters, column, size)


def _number(words: Words, digits: Words) -> tuple[Words, BoolArray]:
    """Decimal numbers at the ends of words, and whether they hold digits only.

    Args:
      words: (n, ...), 8 bytes each, the last one the units.
      digits: how many of the bytes belong to the number, 0 to 8.
    """
    unused = (_U64(8) - digits) * _U64(8)  # bits; numpy shifts 64 of them out as 0
    words = (words ^ _U64(0x3030303030303030)) >> unused << unused
    above_nine = (words + _U64(0x0606060606060606)) | words
    are_digits = (above_nine & _U64(0xF0F0F0F0F0F0F0F0)) == 0
    # Neighbours join: 8 digits, 4 pairs, 2 fours, 1 eight.
    words = (words * _U64(10) + (words >> _U64(8))) & _U64(0x00FF00FF00FF00FF)
    words = (words * _U64(100) + (words >> _U64(16))) & _U64(0x0000FFFF0000FFFF)
    words = (words * _U64(10_000) + (words >> _U64(32))) & _U64(0x00000000FFFFFFFF)
    return words, are_digits


def _ids(words: Words, column: int, vocabulary_size: int) -> Words:
    """Of categories of 8 letters, as little-endian words."""
    number = str(column).encode()
    bits = 8 * len(number)
    last = (words >> _U64(bits)) | _U64(int.from_bytes(number, "little") << (64 - bits))
    hashes = fingerprint64_of_words(words, last, CATEGORY_BYTES + len(number))
    size = _U64(vocabulary_size)
    return hashes - hashes // size * size  # numpy divides by one number faster than it takes %


def _id_of(category: bytes, column: int, vocabulary_size: int) -> int:
    return int(fingerprint64(np.array([category + str(column).encode()]))[0]) % vocabulary_size


@lru_cache
def _missing_id(column: int, vocabulary_size: int) -> int:
    return _id_of(MISSING_CATEGORY, column, vocabulary_size)


class _Faults:
    """Which lines of a block are bad. What is wrong with one is looked up when it is told.

    Args:
      fields: (lines,), how many fields each has.
    """

    def __init__(self, block: bytes, fields: IntArray) -> None:
        self._block, self.fields = block, fields
        self.good = np.ones(len(fields), bool)

    def add_lines(self, which: BoolArray) -> None:
        self.good &= ~which

    def add_lines_of(self, places: Places, line_ends: Places) -> None:
        """The lines that hold certain bytes."""
        self.good[np.searchsorted(line_ends, places)] = False

    def add_lines_left(self, which: BoolArray) -> None:
        """Args: which: one for each line that was good so far."""
        self.good[np.flatnonzero(self.good)[which]] = False

    def in_words(self) -> list[tuple[int, str]]:
        if self.good.all():
            return []
        lines = self._block.split(b"\n")
        return [(int(n), fault_of(lines[n])) for n in np.flatnonzero(~self.good)]


def fault_of(line: bytes) -> str:
    """What is wrong with a line that could not be read, and what was expected."""
    try:
        fields = line.decode().split("\t")
    except UnicodeDecodeError as error:
        return f"found bytes that are not UTF-8 ({error.reason} at byte {error.start + 1})"
    if len(fields) != NUM_FIELDS:
        return f"found {len(fields)} columns, expected {NUM_FIELDS}"
    label, integers = fields[0], fields[1 : 1 + NUM_DENSE]
    if label not in ("0", "1"):
        return f"column 1: found {label[:20]!r}, expected a label, 0 or 1"
    for number, text in enumerate(integers, 2):
        digits = text.removeprefix("-")
        if text and not (digits.isdecimal() and digits.isascii() and len(digits) <= MOST_DIGITS):
            return f"column {number}: found {text[:20]!r}, expected an integer"
    for number, text in enumerate(fields[1 + NUM_DENSE :], 2 + NUM_DENSE):
        is_hexadecimal = all(letter in "0123456789abcdefABCDEF" for letter in text)
        if len(text) > CATEGORY_BYTES or not is_hexadecimal:
            return f"column {number}: found {text[:20]!r}, expected 8 hexadecimal digits"
    return "found a line that cannot be read"
