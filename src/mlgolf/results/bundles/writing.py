"""A bundle is written: a run as one file, whole or not at all."""

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mlgolf.core.disk import naming
from mlgolf.core.errors import BundleError
from mlgolf.core.text import several
from mlgolf.results.bundles.consistency import contradictions
from mlgolf.results.bundles.contents import (
    MANIFEST,
    FileEntry,
    Manifest,
    entry_of,
    files_of,
    largest,
    manifest_of,
)
from mlgolf.results.bundles.ledger import Ledger
from mlgolf.results.bundles.seal import Seal, seal_bytes, sealed
from mlgolf.results.bundles.signatures import Signer
from mlgolf.results.bundles.zip_layout import (
    LARGEST,
    central_header,
    end_record,
    local_header,
)
from mlgolf.results.files import sync_folder
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_lock import holder

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """What was written."""

    path: Path
    manifest: Manifest
    seal: Seal
    left_out: tuple[str, ...]  # paths of other files in the folder of the run


def write_bundle(path: Path, output: Path, ledger: Ledger | None = None) -> Bundled:
    """Args: path: of a run. ledger: of the host that signs it; None: unsigned.

    Raises: RunFolderError for what is no run; BundleError for one that cannot be bundled.
    """
    run = RunFolder(path)
    if not run.was_played:
        raise BundleError(f"{path} was imported: a bundle is of a run that mlgolf played.")
    if output.exists():
        raise BundleError(f"{output} is there already. Give another name by -o.")
    try:
        with run.lock():
            _check_that_nobody_plays(run)
            files, left_out = files_of(path)
            manifest, seal = _sealed_file(run, files, output, ledger)
    finally:
        _partial(output).unlink(missing_ok=True)
    return Bundled(path=output, manifest=manifest, seal=seal, left_out=tuple(left_out))


def _sealed_file(
    run: RunFolder, files: Mapping[str, Path], output: Path, ledger: Ledger | None
) -> tuple[Manifest, Seal]:
    hashed = {name: _hashed(file) for name, file in files.items()}
    entries = tuple(found.entry(name) for name, found in hashed.items())
    draft = manifest_of(run, entries, number=None, previous=None)
    if problems := contradictions(run, draft):
        raise BundleError(f"{run.path} cannot be bundled: {several(problems)}.")
    if ledger is None:
        seal = _written(draft, files, hashed, output, None)
        _finish(output)
        return draft, seal
    with ledger.at_its_end() as end:
        manifest = draft.model_copy(update={"number": end.number, "previous": end.previous})
        seal = _written(manifest, files, hashed, output, ledger.signer)
        end.append("bundled", {
            "run": manifest.run, "merkle_root": seal.merkle_root, "sha256": seal.sha256,
        })  # fmt: skip
        _finish(output)  # a line without its bundle can be told of; the reverse never happens
    return manifest, seal


def _check_that_nobody_plays(run: RunFolder) -> None:
    for folder in run.trial_folders():
        if said := holder(folder):
            raise BundleError(f"{said} Bundle the run when it has ended.")


@dataclass(frozen=True, slots=True)
class _Hashed:
    sha256: str
    crc: int
    bytes: int

    def entry(self, path: str) -> FileEntry:
        return FileEntry(path=path, bytes=self.bytes, sha256=self.sha256)


def _hashed(file: Path) -> _Hashed:
    digest, crc, size = sha256(), 0, 0
    with open(file, "rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
    return _Hashed(digest.hexdigest(), crc, size)


def _written(
    manifest: Manifest, files: Mapping[str, Path], hashed: Mapping[str, _Hashed], output: Path,
    signer: Signer | None,
) -> Seal:
    """Write beside the output, to be put in its place by `_finish`. Returns: its seal."""
    content = manifest.as_bytes()
    _check_sizes(output, content, hashed)
    output.parent.mkdir(parents=True, exist_ok=True)
    whole, partial = sha256(), _partial(output)
    with naming(partial), open(partial, "wb") as file:
        for chunk in _archive(content, files, hashed, seal_bytes(signed=signer is not None)):
            file.write(chunk)
            whole.update(chunk)
        seal = sealed(manifest.root(content), whole.hexdigest(), signer)
        file.write(seal.as_bytes())
        file.flush()
        os.fsync(file.fileno())
    return seal


def _partial(output: Path) -> Path:
    return output.with_name(f".{output.name}.partial")


def _finish(output: Path) -> None:
    os.replace(_partial(output), output)
    sync_folder(output.parent)


def _check_sizes(output: Path, manifest: bytes, hashed: Mapping[str, _Hashed]) -> None:
    """Raises: BundleError for a bundle that no reader would take."""
    headers = sum(
        len(local_header(name, 0, 0)) + len(central_header(name, 0, 0, 0)) for name in hashed
    )
    size = len(manifest) + headers + sum(found.bytes for found in hashed.values())
    if size > LARGEST - _CHUNK:
        raise BundleError(
            f"{output}: the run has {size:,} bytes; a bundle has {LARGEST - _CHUNK:,} at most."
        )
    allowed = largest(MANIFEST)
    if allowed is not None and len(manifest) > allowed:
        raise BundleError(f"{output}: its manifest would have {len(manifest):,} bytes; allowed are "
                          f"{allowed:,}. Bundle fewer trials a run.")


def _archive(
    manifest: bytes, files: Mapping[str, Path], hashed: Mapping[str, _Hashed], comment_bytes: int
) -> Iterator[bytes]:
    """All bytes before the comment.

    Raises: BundleError for a file that has changed since it was hashed.
    """
    first = entry_of(manifest)
    directory = [central_header(MANIFEST, crc := zlib.crc32(manifest), first.bytes, 0)]
    yield (header := local_header(MANIFEST, crc, first.bytes)) + manifest
    offset = len(header) + len(manifest)
    for name, file in files.items():
        found = hashed[name]
        directory.append(central_header(name, found.crc, found.bytes, offset))
        yield (header := local_header(name, found.crc, found.bytes))
        yield from _unchanged(file, found)
        offset += len(header) + found.bytes
    listed = b"".join(directory)
    yield listed + end_record(len(directory), len(listed), offset, comment_bytes)


def _unchanged(file: Path, found: _Hashed) -> Iterator[bytes]:
    digest = sha256()
    with open(file, "rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != found.sha256:
        raise BundleError(f"{file} was changed while it was bundled. Bundle the run once more.")
