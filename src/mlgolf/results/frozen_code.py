"""Code as it is hashed and frozen: the files that belong to it, and one SHA-256 for all."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePath


def files_below(folder: Path) -> dict[str, Path]:
    """By their names in the folder, without what is hidden or compiled."""
    return {
        str(file.relative_to(folder)): file
        for file in folder.rglob("*")
        if file.is_file() and not is_left_out(file.relative_to(folder))
    }


def is_left_out(path: PurePath) -> bool:
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def digest(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256 over names and bytes, in the order that they have."""
    found = hashlib.sha256()
    for name, file in files:
        content = file.read_bytes()
        found.update(json.dumps([name, len(content)]).encode())
        found.update(content)
    return found.hexdigest()


def folder_digest(folder: Path) -> str:
    """Of all code in a folder."""
    return digest(sorted(files_below(folder).items()))
