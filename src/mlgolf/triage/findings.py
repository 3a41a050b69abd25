"""What reading the code says: facts about files, and findings with their lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_LINES = 10  # shown of one finding; all are counted
MOST_WITHIN = 5  # functions named of one finding


class Kind(StrEnum):
    """What a finding is about, in the order in which findings are shown."""

    UNREADABLE = "unreadable"
    ENCODING = "encoding"
    IMPORT = "import"
    DYNAMIC_CODE = "dynamic_code"
    INTROSPECTION = "introspection"
    PATCHING = "patching"
    NATIVE_CODE = "native_code"
    PROCESS = "process"
    THREAD = "thread"
    NETWORK = "network"
    FILE = "file"
    ENVIRONMENT = "environment"
    CLOCK = "clock"
    MENTION = "mention"
    LITERAL = "literal"
    DECODING = "decoding"
    DATA_FILE = "data_file"

    @property
    def title(self) -> str:
        return _TITLES[self]


_TITLES: Mapping[Kind, str] = {
    Kind.UNREADABLE: "cannot be read as code",
    Kind.ENCODING: "text that may read differently than it looks",
    Kind.IMPORT: "imports of other packages, and of parts of mlgolf that are not for submissions",
    Kind.DYNAMIC_CODE: "runs or unpacks code that is not in its files as code",
    Kind.INTROSPECTION: "looks into the interpreter, or into objects that it was not handed",
    Kind.PATCHING: "changes modules that are not its own, or what it was handed",
    Kind.NATIVE_CODE: "calls or compiles native code",
    Kind.PROCESS: "starts or signals processes",
    Kind.THREAD: "starts threads, or sets how many there are",
    Kind.NETWORK: "uses the network",
    Kind.FILE: "reads or writes files",
    Kind.ENVIRONMENT: "reads or sets the environment or the machine's names",
    Kind.CLOCK: "reads a clock, or waits",
    Kind.MENTION: "names a workload, a data set or a held-out split",
    Kind.LITERAL: "large literals: constants that may hold what was learned before",
    Kind.DECODING: "decodes or decompresses data",
    Kind.DATA_FILE: "files that are no Python",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One place of a finding."""

    kind: Kind
    what: str
    line: int  # from 1; 0: the file as a whole
    within: str = ""  # the function or class; empty at the top of the module
    bits: int | None = None  # of a literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a host may want to look at, wherever one file has it."""

    kind: Kind
    file: str
    what: str
    lines: tuple[int, ...]  # the first, from 1; empty for a file as a whole
    count: int  # of places
    within: tuple[str, ...]  # functions, the first few; "" for the top of the module
    bits: int | None = None  # about how much a literal holds

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value, "file": self.file, "lines": list(self.lines),
            "count": self.count, "within": list(self.within), "what": self.what, "bits": self.bits,
        }

    @property
    def place(self) -> str:
        """ "submission.py, lines 3, 7 and 9 (update_params)"."""
        if not self.lines:
            return self.file
        more = self.count - len(self.lines)
        numbers = ", ".join(map(str, self.lines)) + (f" and {more} more" if more > 0 else "")
        named = ", ".join(name for name in self.within if name)
        noun = "line" if self.count == 1 else "lines"
        return f"{self.file}, {noun} {numbers}{f' ({named})' if named else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file as it is frozen."""

    name: str
    kind: str  # in words: "Python", "text", "numpy array", ...
    bytes: int
    entropy: float  # bits a byte, from 0 to 8, by how often each byte occurs
    compressed_bytes: int  # about as many hold all that is in it
    literal_bits: int = 0  # of all constants of a Python file together, docstrings left out

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "kind": self.kind, "bytes": self.bytes,
            "entropy": round(self.entropy, 3), "compressed_bytes": self.compressed_bytes,
            "literal_bits": self.literal_bits,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Modules by where they come from, each name once."""

    standard: tuple[str, ...] = ()
    known: tuple[str, ...] = ()  # packages that mlgolf, or submissions of AlgoPerf, build on
    own: tuple[str, ...] = ()  # files of the submission
    other: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        return {
            "standard": list(self.standard), "known": list(self.known), "own": list(self.own),
            "other": list(self.other),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """All that was read from the files of one submission."""

    files: tuple[FileFacts, ...]
    imports: Imports
    findings: tuple[Finding, ...] = field(default=())

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def literal_bits(self) -> int:
        return sum(file.literal_bits for file in self.files)

    @property
    def compressed_bytes(self) -> int:
        return sum(file.compressed_bytes for file in self.files)

    def of_kind(self, kind: Kind) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind is kind]

    def as_json(self) -> dict[str, Any]:
        return {
            "files": [file.as_json() for file in self.files],
            "totals": {
                "files": len(self.files), "bytes": self.bytes,
                "compressed_bytes": self.compressed_bytes, "literal_bits": self.literal_bits,
            },
            "imports": self.imports.as_json(),
            "findings": [finding.as_json() for finding in self.findings],
        }


def gathered(file: str, seen: Iterable[Seen]) -> list[Finding]:
    """The findings of one file: equal facts at several places are one."""
    places: dict[tuple[Kind, str, int | None], list[Seen]] = {}
    for one in seen:
        places.setdefault((one.kind, one.what, one.bits), []).append(one)
    return [
        Finding(
            kind=kind, file=file, what=what, bits=bits, count=len(found),
            lines=tuple(_lines(found)), within=tuple(_functions(found)),
        )
        for (kind, what, bits), found in places.items()
    ]


def _lines(found: Sequence[Seen]) -> list[int]:
    return sorted({one.line for one in found if one.line})[:MOST_LINES]


def _functions(found: Sequence[Seen]) -> list[str]:
    ordered = sorted((one for one in found if one.line), key=lambda one: one.line)
    return list(dict.fromkeys(one.within for one in ordered))[:MOST_WITHIN]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By kind, then the largest literals first, then by file and line."""
    rank = {kind: at for at, kind in enumerate(Kind)}
    return tuple(sorted(findings, key=lambda f: (
        rank[f.kind], -(f.bits or 0), f.file, f.lines[:1], f.what
    )))  # fmt: skip
