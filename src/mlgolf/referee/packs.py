"""Folders of small files as one piece of memory: how code comes to a player behind two walls.

The outer wall stands before it is known which code will be played, so the code cannot be mounted
there. Standard library only: the supervisor unpacks it.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

_LENGTH = 8  # bytes that say how long the list of files is


def pack(folders: Iterable[Path]) -> int:
    """Descriptor of memory with every file of the folders, each under its own path."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = [path.read_bytes() for path in files]
    listing = json.dumps(
        [[str(path), len(content)] for path, content in zip(files, contents, strict=True)]
    ).encode()
    descriptor = os.memfd_create("mlgolf-code", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as memory:
        memory.write(len(listing).to_bytes(_LENGTH, "little"))
        memory.write(listing)
        memory.writelines(contents)
    return descriptor


def unpack(descriptor: int, where: Callable[[Path], Path]) -> None:
    """Write every file of the pack; `where` says where its path is to lie. Closes the pack."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb") as memory:
        length = int.from_bytes(memory.read(_LENGTH), "little")
        for name, size in json.loads(memory.read(length)):
            file = where(Path(name))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(memory.read(size))
            file.chmod(0o644)
