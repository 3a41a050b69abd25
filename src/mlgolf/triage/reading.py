"""From the files of a submission to what a host may want to look at."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from mlgolf.triage.data_files import data_file, file_facts, kind_of_file
from mlgolf.triage.findings import (
    FileFacts,
    Finding,
    Imports,
    Kind,
    Seen,
    Triage,
    gathered,
    in_order,
)
from mlgolf.triage.imports import import_findings, sorted_imports
from mlgolf.triage.literals import large_literals, literal_bits
from mlgolf.triage.mentions import Names, mentions
from mlgolf.triage.syntax import Code, parse
from mlgolf.triage.uses import uses

MOST_FILES = 1_000  # that are read; the rest is counted
MOST_BYTES = 64_000_000  # of a file; of a larger one the beginning is looked at
PYTHON = (".py", ".pyi", ".pyw")


def triage_files(files: Mapping[str, Path], names: Names) -> Triage:
    """Args: files: all that would be frozen, by their names in the submission.

    Raises: nothing that is in a file; what cannot be read is a finding.
    """
    facts: list[FileFacts] = []
    findings: list[Finding] = []
    codes: dict[str, Code] = {}
    ordered = sorted(files.items())
    for name, path in ordered[:MOST_FILES]:
        fact, code, seen = _read(name, path)
        facts.append(fact)
        findings += gathered(name, seen)
        if code is not None:
            codes[name] = code
    own = _modules(files)
    for name, code in codes.items():
        findings += gathered(name, _of_code(code, own, names))
    if left := ordered[MOST_FILES:]:
        findings += gathered("…", [Seen(Kind.UNREADABLE, f"{len(left):,} more files, not read", 0)])
    imports = sorted_imports(codes, own) if codes else Imports()
    return Triage(files=tuple(facts), imports=imports, findings=in_order(findings))


def _of_code(code: Code, own: frozenset[str], names: Names) -> Iterator[Seen]:
    yield from import_findings(code, own)
    yield from uses(code)
    yield from mentions(code, names)
    yield from large_literals(code)


def _read(name: str, path: Path) -> tuple[FileFacts, Code | None, list[Seen]]:
    try:
        with path.open("rb") as content:
            data = content.read(MOST_BYTES)
        whole = path.stat().st_size
    except OSError as error:
        fact = FileFacts(name=name, kind="unknown", bytes=0, entropy=0.0, compressed_bytes=0)
        return fact, None, [Seen(Kind.UNREADABLE, f"{error.strerror}", 0)]
    if PurePosixPath(name).suffix.lower() in PYTHON:
        code, seen = parse(data)
        bits = literal_bits(code) if code else 0
        return file_facts(name, data, whole, "Python", literal_bits=bits), code, seen
    fact = file_facts(name, data, whole, kind_of_file(name, data))
    return fact, None, data_file(fact)


def _modules(files: Mapping[str, Path]) -> frozenset[str]:
    """Names under which Python finds the files: of modules, and of the folders at the top."""
    paths = [PurePosixPath(name) for name in files]
    return frozenset(
        path.parts[0] if len(path.parts) > 1 else path.stem for path in paths
    )
