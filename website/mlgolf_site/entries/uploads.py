"""What a browser or a program sends as code: one module, or a zip of a folder. Nothing is run.

An archive is never unpacked by its own word: names, kinds and sizes are checked first, and bytes
are counted while they are read.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import bytes_in_words, printable
from mlgolf_site.config import Limits

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")  # of a file or a folder
DEEPEST = 8  # folders
MOST_RATIO = 200  # of the bytes of a file to what it takes in the archive
_CHUNK = 1 << 16
_ENCRYPTED = 0x1
# What the standard library raises for archives that are damaged in one way or another.
_UNREADABLE = (
    NotImplementedError, RuntimeError, EOFError, OSError, ValueError, LookupError, struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Files by their names in the folder of the submission."""

    files: Mapping[str, bytes]

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def as_zip(self, top: str) -> bytes:
        """The same bytes each time, in a folder called `top`."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(self.files):
                entry = zipfile.ZipInfo(f"{top}/{name}", (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, self.files[name])
        return written.getvalue()


def read_upload(name: str, content: bytes, limits: Limits) -> Upload:
    """Raises: SubmissionError saying what is wrong with the file, and what is allowed."""
    if len(content) > limits.upload_bytes:
        raise SubmissionError(
            f"the file has {bytes_in_words(len(content))}; allowed are "
            f"{bytes_in_words(limits.upload_bytes)}"
        )
    if not content:
        raise SubmissionError("the file is empty. Send a module (.py), or a zip of a folder")
    base = PurePosixPath(name.replace("\\", "/")).name
    if base.endswith(".py"):
        if content.startswith(b"PK"):
            raise SubmissionError(f"{printable(base)} is called a module and is a zip. Rename it")
        return Upload(files={_checked_name(base): content})
    if base.endswith(".zip"):
        return _read_zip(content, limits)
    raise SubmissionError(
        f"found {printable(base)!r}; allowed are a module (.py) or a zip of a folder (.zip)"
    )


def _read_zip(content: bytes, limits: Limits) -> Upload:
    if not content.startswith(b"PK\x03\x04"):
        raise SubmissionError(
            "this is no zip: it does not begin as one does. Make it by zip -r entry.zip entry"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return Upload(files=_without_top(_files_of(archive, limits)))
    except zipfile.BadZipFile as error:
        raise SubmissionError(f"this zip cannot be read: {error}. Make it anew") from None
    except _UNREADABLE as error:
        raise SubmissionError(f"this zip cannot be read: {printable(error)}") from None


def _files_of(archive: zipfile.ZipFile, limits: Limits) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > limits.upload_files:
        raise SubmissionError(
            f"the zip has {len(entries):,} entries; allowed are {limits.upload_files:,}"
        )
    declared = sum(entry.file_size for entry in entries)
    if declared > limits.unpacked_bytes:
        raise SubmissionError(
            f"unpacked the zip has {bytes_in_words(declared)}; allowed are "
            f"{bytes_in_words(limits.unpacked_bytes)}"
        )
    files: dict[str, bytes] = {}
    left = limits.unpacked_bytes
    for entry in entries:
        _check_kind(entry)
        if entry.is_dir():
            _checked_path(entry.filename.rstrip("/"))
            continue
        path = _checked_path(entry.filename)
        if _is_left_out(path):
            continue
        if path.lower() in {known.lower() for known in files}:
            raise SubmissionError(f"{path} is in the zip twice. Make it anew")
        files[path] = _read(archive, entry, left)
        left -= len(files[path])
    for path in files:
        for above in PurePosixPath(path).parents:
            if str(above) in files:
                raise SubmissionError(f"{above} is a file and a folder in the zip. Make it anew")
    if not files:
        raise SubmissionError("the zip has no files. Send a module (.py), or a zip of a folder")
    return files


def _check_kind(entry: zipfile.ZipInfo) -> None:
    named = printable(entry.filename)
    if entry.flag_bits & _ENCRYPTED:
        raise SubmissionError(f"{named} is encrypted. Make the zip without a password")
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
        raise SubmissionError(f"{named} is {what}. Put the file itself into the zip")
    if entry.compress_size and entry.file_size > MOST_RATIO * entry.compress_size + 1_000_000:
        raise SubmissionError(
            f"{named} unpacks to {bytes_in_words(entry.file_size)} from "
            f"{bytes_in_words(entry.compress_size)}; that is no code"
        )


def _checked_path(path: str) -> str:
    """Raises: SubmissionError for one that leads out of the folder, or that is no plain name."""
    named = printable(path)
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise SubmissionError(f"{named} is an absolute path. Zip the folder from the one above it")
    parts = path.split("/")
    if ".." in parts or "." in parts:
        raise SubmissionError(f"{named} leads out of the folder. Zip the folder itself")
    if len(parts) > DEEPEST:
        raise SubmissionError(f"{named} lies {len(parts)} folders deep; allowed are {DEEPEST}")
    if _is_left_out(path):
        return path
    for part in parts:
        _checked_name(part)
    return path


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise SubmissionError(
            f"the name {printable(name)!r}: allowed are letters, digits, dot, dash and underscore, "
            "the first no dot and no dash, at most 100"
        )
    return name


def _is_left_out(path: str) -> bool:
    """As when code is frozen: what is hidden or compiled; and what macOS puts into every zip."""
    return any(
        part.startswith(".") or part in ("__pycache__", "__MACOSX") for part in path.split("/")
    )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """Never more than is left, whatever the archive says of its sizes."""
    read = io.BytesIO()
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            read.write(chunk)
            if read.tell() > left:
                raise SubmissionError("unpacked the zip has more bytes than it says. Make it anew")
    return read.getvalue()


def _without_top(files: dict[str, bytes]) -> dict[str, bytes]:
    """A zip of one folder is what the folder holds."""
    tops = {name.split("/", 1)[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        return {name.split("/", 1)[1]: content for name, content in files.items()}
    return files
