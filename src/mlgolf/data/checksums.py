"""Checksums of a prepared dataset: what was written, and whether it still is what lies there.

The manifest `checksums.json` lists path, bytes and SHA-256 of every file below its folder. Its own
SHA-256 names the dataset: two machines with the same fingerprint train on the same bytes.
"""

import hashlib
import json
from pathlib import Path
from typing import TypedDict

from mlgolf.core.errors import DataError

MANIFEST = "checksums.json"


class Entry(TypedDict):
    path: str  # relative to the folder, with forward slashes
    bytes: int
    sha256: str


def write_manifest(folder: Path, manifest: Path | None = None) -> None:
    """List every file below `folder` in its manifest, or in one that lies elsewhere."""
    entries = [_entry(folder, path) for path in _files(folder)]
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (manifest or folder / MANIFEST).write_text(f"[\n{lines}\n]\n")


def sums_in(manifest: Path) -> dict[str, str]:
    """SHA-256 by path, of a manifest; none where there is no such file."""
    if not manifest.exists():
        return {}
    entries: list[Entry] = json.loads(manifest.read_text())
    return {entry["path"]: entry["sha256"] for entry in entries}


def fingerprint(folder: Path, *, remedy: str) -> str:
    """SHA-256 of the manifest, hexadecimal. Reads no data. Raises: DataError as `verify`."""
    _read_manifest(folder, remedy)
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def verify(folder: Path, *, remedy: str, contents: bool = True) -> None:
    """Compare what lies in `folder` with its manifest.

    Args:
      remedy: the command that puts things right, named in every error.
      contents: whether to read the files; otherwise only their sizes are compared.
    Raises: DataError naming the file, what was found and what was expected.
    """
    entries = _read_manifest(folder, remedy)
    for entry in entries:
        _verify_file(folder / entry["path"], entry, remedy, contents)
    listed = {entry["path"] for entry in entries}
    for path in _files(folder):
        if path.relative_to(folder).as_posix() not in listed:
            raise DataError(
                f"{path}: found a file that {MANIFEST} does not list. Remove it, or run: {remedy}"
            )


def _verify_file(path: Path, expected: Entry, remedy: str, contents: bool) -> None:
    if not path.is_file():
        raise DataError(
            f"{path}: found no file, expected {expected['bytes']:,} bytes. Run: {remedy}"
        )
    found = path.stat().st_size
    if found != expected["bytes"]:
        raise DataError(
            f"{path}: found {found:,} bytes, expected {expected['bytes']:,}. Run: {remedy}"
        )
    if contents and (digest := sha256(path)) != expected["sha256"]:
        raise DataError(
            f"{path}: found SHA-256 {digest}, expected {expected['sha256']}. Run: {remedy}"
        )


def _read_manifest(folder: Path, remedy: str) -> list[Entry]:
    try:
        return json.loads((folder / MANIFEST).read_text())
    except OSError as error:
        raise DataError(
            f"{folder / MANIFEST}: {error.strerror}; expected a prepared dataset. Run: {remedy}"
        ) from None
    except ValueError as error:
        raise DataError(f"{folder / MANIFEST}: not JSON: {error}. Run: {remedy}") from None


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST)


def _entry(folder: Path, path: Path) -> Entry:
    relative = path.relative_to(folder).as_posix()
    return {"path": relative, "bytes": path.stat().st_size, "sha256": sha256(path)}


def sha256(path: Path) -> str:
    """Of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
