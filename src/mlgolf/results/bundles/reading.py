"""A bundle is read: every byte is checked before anything of it is believed.

What is read may come from anybody. Sizes and names are bounded, nothing is decompressed, and only
ordinary files below the folder that is given are written, once the whole bundle is as it was
sealed.
"""

import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from mlgolf.core.errors import BundleError, RunFolderError
from mlgolf.core.text import several
from mlgolf.results.bundles.consistency import contradictions
from mlgolf.results.bundles.contents import (
    MANIFEST,
    FileEntry,
    Manifest,
    entry_of,
    largest,
    read_manifest,
)
from mlgolf.results.bundles.seal import LONGEST, Seal, read_seal
from mlgolf.results.bundles.zip_layout import (
    END_BYTES,
    LARGEST,
    central_header,
    comment_of,
    end_record,
    local_header,
    local_size,
)
from mlgolf.results.files import scratch_folder
from mlgolf.results.run_folder import RunFolder

ENDING = ".mlgolf.zip"
_CHUNK = 1 << 20
_FIRST = local_header(MANIFEST, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a file turned out to be. `problem` is a sentence, empty if every byte is as sealed."""

    path: Path
    seal: Seal | None = None
    manifest: Manifest | None = None
    problem: str = ""


def is_bundle(path: Path) -> bool:
    """Whether a file begins as a bundle does, whatever it is called."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            return _begins_like_one(file.read(len(_FIRST)))
    except OSError:
        return False


def _begins_like_one(start: bytes) -> bool:
    name = MANIFEST.encode()
    return local_size(start) is not None and start.endswith(name) and len(start) == len(_FIRST)


def check_bundle(path: Path) -> Bundle:
    """Raises: BundleError for what is no bundle, was cut short, or is of a newer version."""
    with _opened(path) as (file, size):
        if not _begins_like_one(file.read(len(_FIRST))):
            raise BundleError(
                f"{path} is no bundle. Give a file that mlgolf bundle wrote, as it was written."
            )
        seal, comment_bytes = _seal_of(path, file, size)
        if seal is None:
            return Bundle(path=path, problem="its seal was changed")
        content = _manifest_bytes(file, size)
        if content is None:
            return Bundle(path=path, seal=seal, problem=_differs(MANIFEST))
        try:
            manifest = read_manifest(str(path), content)
        except BundleError as error:
            problem = str(error).removeprefix(f"{path}: ")
            return Bundle(path=path, seal=seal, problem=problem)
        problem = _problem_of(file, size - comment_bytes, comment_bytes, seal, manifest, content)
    return Bundle(path=path, seal=seal, manifest=manifest, problem=problem)


def sound_bundle(path: Path) -> Bundle:
    """One without a problem, whoever vouches for it. Raises: BundleError for any other."""
    with sound_run(path) as (found, _):
        return found


@contextmanager
def sound_run(path: Path) -> Iterator[tuple[Bundle, Path]]:
    """A bundle without a problem, and its run, as a folder for as long as it is used.

    Raises: BundleError for any other.
    """
    found = check_bundle(path)
    if found.problem:
        raise BundleError(f"{path} is not valid: {found.problem}.")
    with unpacked(found) as folder:
        if problems := _contradictions(found, folder):
            raise BundleError(f"{path} is not valid: {several(problems)}.")
        yield found, folder


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """An ordinary file, and its size."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a file"
        raise BundleError(f"{path}: {reason}. Give a file that mlgolf bundle wrote.") from None
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
        raise BundleError(f"{path} is {what}. Give a file that mlgolf bundle wrote.")
    if found.st_size > LARGEST:
        raise BundleError(f"{path} has {found.st_size:,} bytes; a bundle has {LARGEST:,} at most.")
    with open(path, "rb") as file:
        yield file, found.st_size


def _seal_of(path: Path, file: BinaryIO, size: int) -> tuple[Seal | None, int]:
    """And how many bytes the comment has that it is."""
    file.seek(max(0, size - LONGEST - END_BYTES))
    comment = comment_of(file.read(LONGEST + END_BYTES))
    if comment is None:
        raise BundleError(
            f"{path} begins as a bundle, and does not end as one: it was cut short, or something "
            "was added at its end. Get it once more."
        )
    return read_seal(str(path), comment), len(comment)


def _manifest_bytes(file: BinaryIO, size: int) -> bytes | None:
    """None where that cannot be it."""
    file.seek(0)
    found, allowed = local_size(file.read(len(_FIRST))), largest(MANIFEST)
    if found is None or allowed is None or found > min(allowed, size):
        return None
    content = file.read(found)
    return content if len(content) == found else None


def _differs(path: str) -> str:
    return f"{path} is not what was sealed"


def _problem_of(
    file: BinaryIO, end: int, comment_bytes: int, seal: Seal, manifest: Manifest, content: bytes
) -> str:
    """The first thing that is not as it was sealed. Args: end: where the comment begins."""
    if manifest.root(content) != seal.merkle_root:
        return _differs(MANIFEST)
    whole = sha256()
    if found := _first_difference(file, whole.update, end, comment_bytes, manifest, content):
        return found
    if whole.hexdigest() != seal.sha256:
        return "its seal is not the one of these bytes"
    if seal.key is not None and not seal.is_signed_rightly:
        return f"its signature is not one of the key {seal.key}"
    if (seal.key is None) != (manifest.number is None):
        return "a bundle that is signed has its number in a ledger, and no other has one"
    return ""


def _first_difference(
    file: BinaryIO, update: Callable[[bytes], None], end: int, comment_bytes: int,
    manifest: Manifest, content: bytes,
) -> str:
    """Read everything before the comment, in order. Args: update: gets all that is read."""
    file.seek(0)
    offset, directory = 0, bytearray()
    listed = [entry_of(content), *manifest.files]
    for entry in listed:
        header = file.read(len(local_header(entry.path, 0, 0)))
        update(header)
        digest, crc = sha256(), 0
        for chunk in _chunks(file, entry.bytes):
            update(chunk)
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
        if digest.hexdigest() != entry.sha256:
            return _differs(entry.path)
        if header != local_header(entry.path, crc, entry.bytes):
            return f"what the archive says of {entry.path} is not what was sealed"
        directory += central_header(entry.path, crc, entry.bytes, offset)
        offset += len(header) + entry.bytes
    directory += end_record(len(listed), len(directory), offset, comment_bytes)
    rest = file.read(len(directory))
    update(rest)
    if rest != directory or file.tell() != end:
        return "the directory of the archive is not what was sealed"
    return ""


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Of the next bytes; fewer where the file ends."""
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


@contextmanager
def unpacked(bundle: Bundle) -> Iterator[Path]:
    """The run of a bundle without a problem, as a folder for as long as it is used.

    Raises: BundleError if the file has changed since it was checked.
    """
    assert bundle.manifest is not None
    with scratch_folder("bundle") as scratch, _opened(bundle.path) as (file, _):
        name = bundle.path.name
        run = scratch / (name.removesuffix(ENDING) or name)  # as the run, by which juries rule
        run.mkdir()
        file.seek(len(_FIRST) + len(bundle.manifest.as_bytes()))
        # Below the run: `read_manifest` takes no other path.
        for folder in {(run / entry.path).parent for entry in bundle.manifest.files}:
            folder.mkdir(parents=True, exist_ok=True)
        for entry in bundle.manifest.files:
            _unpack(file, entry, run / entry.path, bundle.path)
        yield run


def _unpack(file: BinaryIO, entry: FileEntry, place: Path, name: Path) -> None:
    file.seek(len(local_header(entry.path, 0, 0)), 1)
    digest = sha256()
    with open(place, "xb") as copy:
        for chunk in _chunks(file, entry.bytes):
            digest.update(chunk)
            copy.write(chunk)
    if digest.hexdigest() != entry.sha256:
        raise BundleError(f"{name} was changed while it was read. Check it once more.")


def self_contradictions(bundle: Bundle) -> list[str]:
    """What the files of a bundle without a problem contradict each other in, in sentences."""
    with unpacked(bundle) as folder:
        return _contradictions(bundle, folder)


def _contradictions(bundle: Bundle, folder: Path) -> list[str]:
    assert bundle.manifest is not None
    try:
        found = contradictions(RunFolder(folder), bundle.manifest)
    except RunFolderError as error:
        found = [str(error)]
    return [sentence.replace(f"{folder}/", "") for sentence in found]
