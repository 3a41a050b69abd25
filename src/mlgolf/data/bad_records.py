"""What is wrong with raw files: which file, which record, what was found there.

A reader is handed a `BadRecords`, tells it of each record that it cannot read, and goes on with the
next. Whoever handed it over decides: refuse, or leave these records out and say how many.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.errors import DataError
from mlgolf.core.text import number_of
from mlgolf.data.checksums import sha256

SHOWN_OF_A_FILE = 20  # records that are kept in words; all of them are counted
SHOWN_IN_AN_ERROR = 10


@dataclass(frozen=True, slots=True)
class BadRecord:
    file: str  # below the raw folder, with forward slashes
    record: str  # "line 17", "row 3"; empty if it is the file as a whole, as with an image
    found: str  # what was found, and what was expected


class BadRecords:
    """Gathers bad records of the files below one raw folder.

    Args:
      sums: SHA-256 that files should have, by their path below `raw`, where these are known.
    """

    def __init__(self, raw: Path, sums: Mapping[str, str] | None = None) -> None:
        self.raw = raw
        self.counts: Counter[str] = Counter()  # file -> how many
        self.records: list[BadRecord] = []  # the first ones of each file
        self.digests: dict[str, str] = {}  # file -> a hash of which records; all are in it
        self._sums = sums or {}

    def __len__(self) -> int:
        return self.counts.total()

    def add(self, path: Path, record: str, found: str, count: int = 1) -> None:
        """Args: count: how many records of the same file this one stands for."""
        file = self._name(path)
        before = self.counts[file]
        self.counts[file] += count
        told = f"{self.digests.get(file, '')}\n{record}\n{count}"
        self.digests[file] = hashlib.sha256(told.encode()).hexdigest()
        if before < SHOWN_OF_A_FILE:
            self.records.append(BadRecord(file, record, found))

    def take(self, other: "BadRecords") -> None:
        """Those of other files."""
        self.counts.update(other.counts)
        self.records += other.records
        self.digests.update(other.digests)

    def are_those_of(self, other: "BadRecords") -> bool:
        """Whether both heard of the same records, whatever is wrong with them."""
        return self.counts == other.counts and self.digests == other.digests

    def of(self, path: Path) -> int:
        """How many records of a file are bad."""
        return self.counts[self._name(path)]

    def add_if_changed(self, path: Path, content: bytes | None = None) -> bool:
        """Compare a file with its known checksum; one that differs is bad as a whole.

        Args: content: of the file, where it has been read.
        """
        expected = self._sums.get(self._name(path))
        if expected is None:
            return False
        digest = sha256(path) if content is None else hashlib.sha256(content).hexdigest()
        if digest == expected:
            return False
        self.add(path, "", f"found SHA-256 {digest}, expected {expected}")
        return True

    def add_missing(self) -> None:
        """Files whose checksums are known, and that are not there."""
        for file in self._sums:
            if not self.counts[file] and not (self.raw / file).exists():
                self.add(self.raw / file, "", "found no file")

    def in_words(self, limit: int | None = None) -> list[str]:
        """A line for each record that is kept, at most `limit`; then how many more there are."""
        shown = self.records[:limit]
        lines = [
            f"{self.raw / bad.file}: {bad.record}{': ' if bad.record else ''}{bad.found}"
            for bad in shown
        ]
        more = len(self) - len(shown)
        return [*lines, f"and {number_of(more, 'bad record')} more"] if more else lines

    def per_file(self) -> list[str]:
        """A line for each file: how many of its records are bad."""
        return [
            f"{self.raw / file}: {number_of(count, 'bad record')}"
            for file, count in sorted(self.counts.items())
        ]

    def refuse(self, remedy: str, limit: int = SHOWN_IN_AN_ERROR) -> None:
        """Raises: DataError that names the records, at most `limit`, if there are any."""
        if not self:
            return
        text = "\n  ".join(self.in_words(limit))
        raise DataError(f"{number_of(len(self), 'bad record')} in raw data:\n  {text}\n{remedy}")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.raw).as_posix()
