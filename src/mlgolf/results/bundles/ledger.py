"""The ledger of a host: a line for each run that it starts, bundle that it makes, and ruling.

    key.pem       the host's key: for nobody else
    heads.jsonl   the ledger, to be published: lines are only ever added

Each line is canonical JSON with the hash of the line before, so none can be taken away or put in
between afterwards, and is signed. A run that was started and never bundled can be seen.

    {"body":{…},"hash":"…","kind":"started","number":1,"previous":"…","signature":"…","time":"…"}

`hash` is the SHA-256 of PREFIX and the line without `hash` and `signature`; the signature is of the
same bytes. The first line has number 0, kind "opened", the key, and no line before.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from mlgolf.core.disk import naming
from mlgolf.core.errors import BundleError
from mlgolf.core.text import quoted
from mlgolf.results.bundles.canonical import canonical, check_version, is_hex, parsed
from mlgolf.results.bundles.signatures import (
    KEY_DIGITS,
    SIGNATURE_DIGITS,
    Signer,
    is_signature,
    make_key,
)
from mlgolf.results.files import sync_folder

VERSION = 1
PREFIX = b"mlgolf head 1\n"
KEY, HEADS = "key.pem", "heads.jsonl"
FIRST = 64 * "0"  # stands for the line before the first
_LARGEST = 1_000_000_000  # bytes
_FIELDS = {"body", "hash", "kind", "number", "previous", "signature", "time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One line."""

    number: int
    previous: str
    kind: str
    time: str
    body: Mapping[str, Any]
    hash: str
    signature: str

    def as_line(self) -> bytes:
        unsigned = _unsigned(self.number, self.previous, self.kind, self.time, self.body)
        return canonical({**unsigned, "hash": self.hash, "signature": self.signature}) + b"\n"


def _unsigned(
    number: int, previous: str, kind: str, time: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "number": number, "previous": previous, "kind": kind, "time": time, "body": dict(body)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The lines of a ledger, up to the first that is wrong."""

    lines: tuple[Head, ...]
    problem: str = ""  # a sentence about the first line that is wrong
    is_torn: bool = False  # the last line has no end: its host was stopped while it was written

    @property
    def key(self) -> str:
        return str(self.lines[0].body["key"]) if self.lines else ""

    def bundles_of(self, run: str) -> list[Head]:
        """Lines of the bundles of a run."""
        return [h for h in self.lines if h.kind == "bundled" and h.body.get("run") == run]

    def gaps(self) -> list[Head]:
        """Lines of runs that were started and have no bundle after that."""
        waiting: dict[str, Head] = {}
        for line in self.lines:
            run = str(line.body.get("run"))
            if line.kind == "started":
                waiting.setdefault(run, line)
            elif line.kind == "bundled":
                waiting.pop(run, None)
        return [*waiting.values()]

    def started(self, run: str) -> Head | None:
        lines = (line for line in self.lines if line.kind == "started")
        return next((line for line in lines if line.body.get("run") == run), None)


def read_heads(path: Path) -> Heads:
    """A published ledger; what is wrong with its lines is in `problem`.

    Raises: BundleError for what is no ledger at all, or is of a newer version.
    """
    if path.is_dir():
        path /= HEADS
    try:
        if path.exists() and not path.is_file():
            raise BundleError(f"{path} is no ordinary file. Give the {HEADS} of a host.")
        if path.stat().st_size > _LARGEST:
            raise BundleError(f"{path} has more than {_LARGEST:,} bytes; no ledger has that many.")
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}. Give the {HEADS} of a host.") from None
    heads = _checked(path, content)
    if not heads.lines:
        raise BundleError(
            f"{path} is no ledger{f' ({heads.problem})' if heads.problem else ''}. Give the "
            f"{HEADS} of a host."
        )
    return heads


def _checked(path: Path, content: bytes) -> Heads:
    *texts, rest = content.split(b"\n")
    lines: list[Head] = []
    for number, text in enumerate(texts):
        head = _parsed(path, text)
        wrong = "is no line of a ledger" if head is None else _wrong_with(head, lines)
        if head is None or wrong:
            return Heads(lines=tuple(lines), problem=f"line {number + 1} {wrong}")
        lines.append(head)
    return Heads(lines=tuple(lines), is_torn=bool(rest))


def _parsed(path: Path, text: bytes) -> Head | None:
    """None for what is not written as a line is, to the byte."""
    fields = parsed(text)
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        return None
    texts = all(isinstance(fields[name], str) for name in ("kind", "time"))
    number, body = fields["number"], fields["body"]
    if not texts or isinstance(number, bool) or not isinstance(number, int):
        return None
    if not isinstance(body, dict) or not is_hex(fields["signature"], SIGNATURE_DIGITS):
        return None
    if fields["kind"] == "opened":
        check_version(str(path), body.get("ledger"), VERSION, "ledger")
    head = Head(**fields)
    try:
        return head if head.as_line() == text + b"\n" else None
    except (ValueError, RecursionError):  # NaN, which JSON has not
        return None


def _wrong_with(head: Head, before: Sequence[Head]) -> str:
    """What is wrong with a line after these, which are right; empty if nothing is."""
    if not before and (head.kind != "opened" or not is_hex(head.body.get("key"), KEY_DIGITS)):
        return "does not open a ledger, with the key of its host"
    if before and head.kind == "opened":
        return "opens the ledger once more"
    previous = before[-1].hash if before else FIRST
    if head.number != len(before):
        return f"has number {head.number}, not {len(before)}: a line was added or taken away"
    if head.previous != previous:
        return "does not name the line before it: one was changed, added or taken away"
    message = PREFIX + canonical(
        _unsigned(head.number, head.previous, head.kind, head.time, head.body)
    )
    if head.hash != sha256(message).hexdigest():
        return "was changed: it has another hash"
    key = str((before[0] if before else head).body["key"])
    return "" if is_signature(key, head.signature, message) else "is not signed by the host's key"


class Ledger:
    """A host's own: it can add lines."""

    def __init__(self, folder: Path) -> None:
        """Raises: BundleError for a folder without a key and a ledger of that key."""
        if not (folder / KEY).exists() or not (folder / HEADS).exists():
            raise BundleError(
                f"{folder} has no {KEY} with a {HEADS} beside it. Make a ledger: mlgolf ledger new "
                f"{quoted(folder)}"
            )
        self.folder = folder
        self.signer = Signer(folder / KEY)
        self._check(self.heads())

    def heads(self) -> Heads:
        return read_heads(self.folder / HEADS)

    def _check(self, heads: Heads) -> None:
        path = self.folder / HEADS
        if heads.problem:
            raise BundleError(
                f"{path}: {heads.problem}. Nothing can be added; put back the file as it was."
            )
        if heads.key != self.signer.public:
            raise BundleError(f"{path} is the ledger of another key than {self.folder / KEY}.")

    @contextmanager
    def at_its_end(self) -> "Iterator[LedgerEnd]":
        """Nobody else adds a line until the block ends. A line that was cut short is removed."""
        path = self.folder / HEADS
        with naming(path), open(path, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            heads = self.heads()
            self._check(heads)
            if heads.is_torn:
                file.truncate(sum(len(line.as_line()) for line in heads.lines))
            yield LedgerEnd(file, self.signer, heads)

    def add(self, kind: str, body: Mapping[str, Any]) -> Head:
        """Add one line; it is on disk when this returns."""
        with self.at_its_end() as end:
            return end.append(kind, body)


class LedgerEnd:
    """The end of a ledger, for whoever has locked it; takes one line."""

    def __init__(self, file: BinaryIO, signer: Signer, heads: Heads) -> None:
        self._file, self._signer = file, signer
        self.heads = heads
        self.number = len(heads.lines)
        self.previous = heads.lines[-1].hash if heads.lines else FIRST

    def append(
        self, kind: str, body: Mapping[str, Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Head:
        time = now().isoformat("T", "seconds")
        unsigned = _unsigned(self.number, self.previous, kind, time, body)
        message = PREFIX + canonical(unsigned)
        head = Head(
            number=self.number, previous=self.previous, kind=kind, time=time, body=body,
            hash=sha256(message).hexdigest(), signature=self._signer.sign(message),
        )
        self._file.seek(0, os.SEEK_END)
        rest = head.as_line()
        while rest:  # a disk that gets full takes a part, and refuses the next
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())
        return head


def new_ledger(folder: Path) -> Ledger:
    """A key and an empty ledger. One that was cut short while it was made is completed.

    Raises: BundleError for a folder that has one; nothing is changed then.
    """
    heads = folder / HEADS
    if heads.exists() and heads.stat().st_size > 0:
        raise BundleError(f"{folder} has a ledger. Show it by mlgolf ledger show {quoted(folder)}")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / KEY).exists():
        make_key(folder / KEY)
    signer = Signer(folder / KEY)
    with naming(heads), open(heads, "ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        LedgerEnd(file, signer, Heads(lines=())).append(
            "opened", {"key": signer.public, "ledger": VERSION}
        )
    sync_folder(folder)
    return Ledger(folder)
