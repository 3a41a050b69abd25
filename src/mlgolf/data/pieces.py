"""Preparing raw files piece by piece, so that a command that was killed goes on where it was.

A piece is what one or a few raw files become: arrays of one log, a shard of images. Beside the
prepared folder, a scratch folder keeps a record of each piece that is complete; it is renamed to
its place after the piece's files are written, so what has no record is done again. A record holds
for the raw files (names, sizes, times of change), the numbers of spec.py and the code that it was
made from.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgolf.core.disk import naming
from mlgolf.core.errors import DataError
from mlgolf.data.bad_records import SHOWN_IN_AN_ERROR, BadRecord, BadRecords

# What published raw data call their splits, where each has a folder.
RAW_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
SKIPPED = "skipped.json"  # in a prepared folder: which records were left out; absent if none was


def _nothing(folder: Path, scratch: Path) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a split that is read and written by itself."""

    split: str
    name: str  # its files are called <name>.<anything>, in the folder of the split
    sources: Sequence[Path]  # raw files
    # Looks at every record. Returns: how many examples are good, or what examples are cut from.
    read: Callable[[BadRecords], int]
    # (folder of the split, scratch folder of the split, bad): the same, and writes the good ones.
    write: Callable[[Path, Path, BadRecords], int]

    def made_from(self, described: str) -> str:
        """A hash of its raw files. Args: described: of whatever else it is made from."""
        found = [(str(path), *_size_and_time(path)) for path in self.sources]
        return hashlib.sha256(json.dumps([described, found]).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What a workload's `pieces(raw, size, splits)` returns: how its raw data are prepared."""

    pieces: Sequence[Piece]
    splits: Sequence[str]  # that are prepared, though one of them may have no piece
    # (split, examples found): raises DataError if these are not as many as there should be.
    check_count: Callable[[str, int], None]
    # (folder of a split, its scratch folder): joins what the pieces left in the scratch folder.
    finish: Callable[[Path, Path], None] = field(default=_nothing)
    per_example: int = 1  # of what pieces count, such as tokens, in one example
    # By split, how many examples `finish` keeps; all of them in other splits.
    limits: Mapping[str, int] = field(default_factory=dict[str, int])

    def examples(self, counts: Mapping[str, int]) -> dict[str, int]:
        """By split. Args: counts: what its pieces returned, summed."""
        found = {split: count // self.per_example for split, count in counts.items()}
        return {split: min(count, self.limits.get(split, count)) for split, count in found.items()}

    def check_counts(self, counts: Mapping[str, int], remedy: str) -> None:
        """Args: counts: as of `examples`. Raises: DataError that ends with a remedy."""
        for split, found in self.examples(counts).items():
            try:
                self.check_count(split, found)
            except DataError as error:
                raise DataError(f"{error} {remedy}".rstrip()) from None

    def check_none_is_empty(
        self, counts: Mapping[str, int], left_out: BadRecords, remedy: str
    ) -> None:
        """As `check_counts`, where bad records were left out: less than planned is enough."""
        for split, found in self.examples(counts).items():
            if not found:
                first = "\n  ".join(left_out.in_words(SHOWN_IN_AN_ERROR))
                raise DataError(
                    f"{left_out.raw}: found no good example of the {split} split, expected one at "
                    f"least. Bad are:\n  {first}\n{remedy}".rstrip()
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a command has come."""

    pieces: int
    of_pieces: int
    examples: int
    per_second: float  # examples, since the command began; without those that were done before

    def __str__(self) -> str:
        return (
            f"{self.pieces:,} of {self.of_pieces:,} pieces, {self.examples:,} examples, "
            f"{self.per_second:,.0f}/s"
        )


Tell = Callable[[Progress], None]


def write_all(plan: Pieces, raw: Path, prepared: Path) -> None:
    """Prepare from the beginning. Raises: DataError for the first bad records, or a wrong count."""
    with tempfile.TemporaryDirectory() as scratch:
        write_rest(plan, raw, prepared, Path(scratch))


def write_rest(
    plan: Pieces, raw: Path, prepared: Path, scratch: Path, *, described: str = "",
    sums: Mapping[str, str] | None = None, skip_bad: bool = False,
    remedy: str = "Replace these files.", skip: str = "", tell: Tell = lambda _: None,
) -> BadRecords:
    """Prepare what is not yet complete.

    Args:
      described: numbers and code, in any form; if they have changed, all pieces are done again.
      sums: SHA-256 that raw files should have.
      skip_bad: leave bad records out; otherwise they are refused. No split may be empty then.
      remedy, skip: what errors tell a person to do; the latter about bad records alone.
      tell: hears after each piece how far it has come.
    Returns: what was left out. Raises: DataError.
    """
    left_out, counts = BadRecords(raw, sums), dict.fromkeys(plan.splits, 0)
    meter = _Meter(plan, tell)
    kept: set[Path] = set()
    for split in plan.splits:
        for needed in (prepared / split, scratch / split):
            needed.mkdir(parents=True, exist_ok=True)
    for piece in plan.pieces:
        folder, own_scratch = prepared / piece.split, scratch / piece.split
        record = own_scratch / f"{piece.name}.done.json"
        made_from = piece.made_from(described)
        done, bad = _complete(record, folder, made_from), BadRecords(raw, sums)
        is_new = done is None
        if done is None:
            examples = piece.write(folder, own_scratch, bad)
            if not skip_bad:
                bad.refuse(f"{remedy}\n{skip}".rstrip())
            done = _done(record, folder, piece, made_from, examples, bad)
            _write(record, done)
        else:
            _recall(bad, done)
        left_out.take(bad)
        kept |= {folder / name for name in done["files"]}
        counts[piece.split] += done["examples"]
        meter.add(done["examples"], is_new)
    left_out.add_missing()
    if not skip_bad:
        left_out.refuse(f"{remedy}\n{skip}".rstrip())
    if left_out:
        plan.check_none_is_empty(counts, left_out, remedy)
    else:
        plan.check_counts(counts, remedy)
    for split in plan.splits:
        _remove_others(prepared / split, kept)  # of raw files that are no longer there
        plan.finish(prepared / split, scratch / split)
    if left_out:
        text = json.dumps({"examples": plan.examples(counts), **_bad_of(left_out)}, indent=1)
        (prepared / SKIPPED).write_text(f"{text}\n")
    else:
        (prepared / SKIPPED).unlink(missing_ok=True)
    return left_out


def read_all(
    plan: Pieces, raw: Path, *, sums: Mapping[str, str] | None = None, remedy: str = "",
    tell: Tell = lambda _: None,
) -> BadRecords:
    """Look at every record, and write nothing.

    Args: as of `write_rest`.
    Returns: the bad ones. Raises: DataError if none is bad, but they are not as many as they
      should be.
    """
    bad, counts = BadRecords(raw, sums), dict.fromkeys(plan.splits, 0)
    meter = _Meter(plan, tell)
    for piece in plan.pieces:
        examples = piece.read(bad)
        counts[piece.split] += examples
        meter.add(examples, is_new=True)
    bad.add_missing()
    if not bad:
        plan.check_counts(counts, remedy)
    return bad


def skipped(prepared: Path, raw: Path) -> BadRecords:
    """What was left out when these data were prepared."""
    bad = BadRecords(raw)
    if (prepared / SKIPPED).exists():
        _recall(bad, json.loads((prepared / SKIPPED).read_text()))
    return bad


def examples_left(prepared: Path) -> dict[str, int]:
    """By split, where some were left out; nothing where none was."""
    record = prepared / SKIPPED
    return json.loads(record.read_text())["examples"] if record.exists() else {}


class _Meter:
    """Counts pieces and examples, and tells of them."""

    def __init__(self, plan: Pieces, tell: Tell) -> None:
        self._plan, self._tell, self._began = plan, tell, time.monotonic()
        self._pieces = self._count = self._new = 0

    def add(self, count: int, is_new: bool) -> None:
        self._pieces += 1
        self._count += count
        self._new += count if is_new else 0
        seconds = max(time.monotonic() - self._began, 1e-9)
        self._tell(
            Progress(
                pieces=self._pieces, of_pieces=len(self._plan.pieces),
                examples=self._count // self._plan.per_example,
                per_second=self._new / self._plan.per_example / seconds,
            )
        )


def _done(
    record: Path, folder: Path, piece: Piece, made_from: str, examples: int, bad: BadRecords
) -> dict[str, Any]:
    files, scratch_files = (
        {path.name: path.stat().st_size for path in sorted(written_to.glob(f"{piece.name}.*"))}
        for written_to in (folder, record.parent)
    )
    scratch_files.pop(record.name, None)
    return {
        "made_from": made_from, "files": files, "scratch_files": scratch_files,
        "examples": examples, **_bad_of(bad),
    }  # fmt: skip


def _complete(record: Path, folder: Path, made_from: str) -> dict[str, Any] | None:
    """The record of a piece, if it holds for the raw files as they are, and its files lie there."""
    if not record.exists():
        return None
    done = json.loads(record.read_text())
    is_whole = (
        done["made_from"] == made_from
        and _lie_in(folder, done["files"])
        and _lie_in(record.parent, done.get("scratch_files", {record.name: -1}))
    )
    return done if is_whole else None


def _lie_in(folder: Path, sizes: Mapping[str, int]) -> bool:
    return all(_size_and_time(folder / name)[0] == size for name, size in sizes.items())


def _bad_of(bad: BadRecords) -> dict[str, Any]:
    records = [[record.file, record.record, record.found] for record in bad.records]
    return {
        "bad_records": dict(bad.counts), "digests": bad.digests, "first_bad_records": records,
    }  # fmt: skip


def _recall(bad: BadRecords, kept: Mapping[str, Any]) -> None:
    bad.counts.update(kept["bad_records"])
    bad.digests.update(kept.get("digests", {}))
    bad.records += [BadRecord(*record) for record in kept["first_bad_records"]]


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with naming(path):
        unfinished.write_text(json.dumps(record, indent=1) + "\n")
        unfinished.rename(path)


def _remove_others(folder: Path, kept: set[Path]) -> None:
    for path in folder.iterdir():
        if path not in kept:
            path.unlink()
