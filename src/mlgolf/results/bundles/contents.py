"""What a bundle holds: the files of a run that scoring and replaying need, and its manifest.

`manifest.json` comes first. It lists every other file, and repeats what a reader wants to know of
the run. All of that follows from the files, so whoever has them can check it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, ValidationError

from mlgolf import __version__
from mlgolf.core.errors import BundleError
from mlgolf.core.records import FreshDraw, Record
from mlgolf.core.text import invalid, printable
from mlgolf.core.trial import Trial
from mlgolf.results.bundles.canonical import check_version, parsed
from mlgolf.results.bundles.merkle import file_leaf, merkle_root
from mlgolf.results.bundles.zip_layout import MOST_FILES
from mlgolf.results.files import read_json
from mlgolf.results.frozen_code import is_left_out
from mlgolf.results.run_folder import FILE, SHOWN, RunFolder
from mlgolf.results.trial_folder import HEADER, LOG, MODEL, ROWS, VERDICT

MANIFEST = "manifest.json"
VERSION = 1
_OF_TRIAL = {HEADER, ROWS, LOG, VERDICT, MODEL}
LONGEST_PATH, LONGEST_NAME = 1000, 255  # bytes
_MEGABYTE = 1_000_000
LARGEST = {".json": 40 * _MEGABYTE, ".jsonl": 80 * _MEGABYTE}

Sha256 = Field(pattern="^[0-9a-f]{64}$")


class FileEntry(Record):
    path: str
    bytes: int = Field(ge=0)
    sha256: str = Sha256


class Facts(Record):
    """What the records of the run say."""

    competition: str
    round: int
    rules_sha256: str
    ruleset: str
    framework: str | None
    submissions: dict[str, str]  # name -> SHA-256 of the code
    package_sha256: str  # of mlgolf when the run was begun
    seed: int | None
    begun: datetime | None
    unofficial: str
    draw: Literal["practice", "secret", "shown"]  # of the held-out data
    fresh: FreshDraw | None  # by which value seed and draw were drawn; None: the host drew
    value: str  # the value, once it is shown
    trials: int  # that have ended
    unfinished: int  # that have begun, and not ended
    missing: int  # of those that the run asked for: not begun, or their folders are gone


class Environment(Record):
    """Where trials of the run were played."""

    trials: int
    mlgolf: str
    machine: dict[str, Any]
    versions: dict[str, str]


class Manifest(Record):
    """manifest.json."""

    bundle: Literal[1] = VERSION
    mlgolf: str  # the version that made the bundle
    run: str = Sha256  # of run.json: the run's name in a ledger
    number: int | None = Field(default=None, ge=1)  # of its line in the ledger of its host
    previous: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")  # of the line before
    facts: Facts
    environment: tuple[Environment, ...]
    files: tuple[FileEntry, ...]

    def as_bytes(self) -> bytes:
        return _as_bytes(self.model_dump(mode="json"))

    def root(self, content: bytes) -> str:
        """Merkle root of all files, in hexadecimal digits. Args: content: of the manifest."""
        leaves = [file_leaf(e.path, e.bytes, e.sha256) for e in (entry_of(content), *self.files)]
        return merkle_root(leaves).hex()


def _as_bytes(fields: Any) -> bytes:
    return (json.dumps(fields, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def entry_of(manifest: bytes) -> FileEntry:
    """Of the manifest itself: the first file of the archive."""
    return FileEntry(path=MANIFEST, bytes=len(manifest), sha256=sha256(manifest).hexdigest())


def manifest_of(
    run: RunFolder, files: Sequence[FileEntry], *, number: int | None, previous: str | None
) -> Manifest:
    """Raises: RunFolderError for a run with a trial that cannot be read."""
    trials = run.trials()
    return Manifest(
        mlgolf=__version__, run=run_id(run.path), number=number, previous=previous,
        facts=_facts(run, trials), environment=tuple(_environments(trials)), files=tuple(files),
    )


def run_id(run: Path) -> str:
    """The name of a run in a ledger: SHA-256 of its run.json, which says what is to be played."""
    return sha256((run / FILE).read_bytes()).hexdigest()


def _facts(run: RunFolder, trials: Sequence[Trial]) -> Facts:
    record, competition = run.record, run.competition
    drawn = record.held_out is not None and record.held_out.run
    ended = sum(trial.verdict is not None and not trial.to_repeat for trial in trials)
    asked = len(record.submissions) * len(competition.workloads) * record.studies * record.trials
    return Facts(
        competition=competition.name, round=competition.round,
        rules_sha256=competition.fingerprint(), ruleset=record.ruleset,
        framework=record.framework,
        submissions={name: known.sha256 for name, known in record.submissions.items()},
        package_sha256=record.package_sha256, seed=record.seed, begun=record.begun,
        unofficial=record.unofficial,
        draw=("shown" if (run.path / SHOWN).exists() else "secret") if drawn else "practice",
        fresh=record.fresh, value=_shown_value(run.path / SHOWN),
        trials=ended, unfinished=len(trials) - ended, missing=max(0, asked - len(trials)),
    )


def _shown_value(file: Path) -> str:
    fields = read_json(file, missing_ok=True)
    return str(fields.get("value", "")) if isinstance(fields, dict) else ""


def _environments(trials: Iterable[Trial]) -> Iterator[Environment]:
    """Each once, in the order of the first trial of it."""
    found: Counter[bytes] = Counter()
    for trial in trials:
        versions = trial.verdict.versions if trial.verdict else {}
        facts = trial.facts
        found[_as_bytes([facts.mlgolf_version, facts.machine, versions])] += 1
    for text, count in found.items():
        mlgolf, machine, versions = json.loads(text)
        yield Environment(trials=count, mlgolf=mlgolf, machine=machine, versions=versions)


def read_manifest(name: str, content: bytes) -> Manifest:
    """Args: name: of the bundle, for errors.

    Raises: BundleError for a manifest that no mlgolf writes, saying why.
    """
    fields = parsed(content)
    if not isinstance(fields, dict):
        raise BundleError(f"{name}: its {MANIFEST} is no JSON object")
    check_version(name, fields.get("bundle"), VERSION, "bundle")
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        raise BundleError(f"{name}: {MANIFEST}: {invalid(error.errors()[0])}") from None
    if not _is_written_as(manifest, content):
        raise BundleError(f"{name}: {MANIFEST} is not written as mlgolf writes it")
    if (manifest.number is None) != (manifest.previous is None):
        raise BundleError(f"{name}: {MANIFEST} has one of number and previous without the other")
    if problem := why_not([entry.path for entry in manifest.files], manifest.files):
        raise BundleError(f"{name}: {problem}")
    return manifest


def _is_written_as(manifest: Manifest, content: bytes) -> bool:
    try:
        return manifest.as_bytes() == content
    except (ValueError, RecursionError):  # numbers that JSON has not, or lists within lists
        return False


def why_not(paths: Sequence[str], files: Sequence[FileEntry] = ()) -> str:
    """What keeps these files from being a bundle, in a sentence; empty if nothing does."""
    if len(paths) > MOST_FILES:
        return f"it has {len(paths):,} files; a bundle has {MOST_FILES:,} at most"
    for path in paths:
        if problem := _wrong_with(path):
            return f"{printable(path)!r} {problem}"
    names = [path.encode() for path in paths]
    for before, after in pairwise(names):
        if before >= after:
            return f"{after.decode()!r} is listed twice, or not in the order of names"
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    for path in paths:
        if path in folders:
            return f"{path!r} is a file, and a folder of others"
    for entry in files:
        if (allowed := largest(entry.path)) is not None and entry.bytes > allowed:
            return f"{entry.path!r} has {entry.bytes:,} bytes; allowed are {allowed:,}"
    return "" if FILE in paths else f"it has no {FILE}"


def largest(path: str) -> int | None:
    """Most bytes of a record of the run, which a reader has in memory; None for other files."""
    parts = PurePosixPath(path).parts
    return None if parts[1:2] == ("code",) else LARGEST.get(PurePosixPath(path).suffix)


def _wrong_with(path: str) -> str:
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is no text. Rename it"
    parts = path.split("/")
    if printable(path) != path or set(path) & set("\t\n\\"):
        return "has a control character or a backslash in its name. Rename it"
    if len(encoded) > LONGEST_PATH or max(len(part.encode()) for part in parts) > LONGEST_NAME:
        return f"is longer than {LONGEST_PATH} bytes, or a part than {LONGEST_NAME}. Rename it"
    if {"", ".", ".."} & {*parts}:
        return "is no path below a run"
    return "" if belongs(path) else "is no file of a run"


def belongs(path: str) -> bool:
    """Whether a bundle has a file of this path in a run: what scores and replays read."""
    match path.split("/"):
        case [name]:
            return name in (FILE, SHOWN)
        case [_, "code", *inside]:
            return bool(inside) and not is_left_out(PurePosixPath(*inside))
        case [_, study, _, trial, *attempt, name]:
            return (
                re.fullmatch(r"study_\d+", study) is not None
                and re.fullmatch(r"trial_\d+", trial) is not None
                and re.fullmatch(r"(attempt_\d+)?", "/".join(attempt)) is not None
                and name in _OF_TRIAL
            )
    return False


def files_of(run: Path) -> tuple[dict[str, Path], list[str]]:
    """By their paths in the run, in the order of a bundle; and the paths of those left out.

    Raises: BundleError for one that cannot be in a bundle, saying why.
    """
    found, left_out = {}, []
    for file in run.rglob("*"):
        path = file.relative_to(run).as_posix()
        if file.is_symlink() and belongs(path):
            raise BundleError(f"{file} is a link; a bundle has files alone. Put the file there")
        if not file.is_file():
            continue
        if belongs(path):
            found[path] = file
        elif "__pycache__" not in file.parts:
            left_out.append(path)
    try:
        paths = sorted(found, key=str.encode)
    except UnicodeEncodeError:
        paths = [*found]  # the path that is no text is named below
    if problem := why_not(paths):
        raise BundleError(f"{run}: {problem}")
    return {path: found[path] for path in paths}, sorted(left_out)
