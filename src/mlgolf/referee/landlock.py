"""Landlock: files by their folders, a second wall behind the mounts. Linux 5.13 or newer.

Where a mount was forgotten, or a way around the mounts is found, this still refuses. It needs no
rights and cannot be taken off again. Standard library only. Source: landlock(7).
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from mlgolf.referee import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every machine
_VERSION, _PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
USE = READ_FILE | READ_DIR | WRITE_FILE | IOCTL_DEV  # devices
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# What a version of Landlock can refuse: the lowest bits of what the newest can.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # version -> how many
_TCP = 0b11  # bind, connect; since version 4
_OUTSIDE = 0b11  # abstract sockets, signals; since version 6


def version() -> int:
    """Of the kernel's Landlock; 0 where it has none, or has it switched off."""
    return max(0, kernel.libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION))


def restrict(read: Iterable[Path], write: Iterable[Path], use: Iterable[Path]) -> int:
    """Refuse this process, and all that it will start, every file but those in these folders.

    It must have given up new privileges before. Also refused, where the kernel can: TCP, signals
    to processes and connections to abstract sockets that were there before.

    Args: read: with the right to run programs. use: of devices, to read and write.
    Returns: the version of Landlock, 0 if there is none. Raises: OSError.
    """
    found = version()
    if not found:
        return 0
    every = (1 << _FILE_RIGHTS[min(found, max(_FILE_RIGHTS))]) - 1
    attribute = struct.pack(
        "QQQ", every, _TCP if found >= 4 else 0, _OUTSIDE if found >= 6 else 0
    )
    length = 24 if found >= 6 else 16 if found >= 4 else 8
    rules = kernel.checked(
        kernel.libc.syscall(_CREATE, attribute, ctypes.c_size_t(length), 0), "landlock"
    )
    try:
        for paths, rights in ((read, READ), (use, USE), (write, every)):
            for path in paths:
                _allow(rules, path, rights & every)
        kernel.checked(kernel.libc.syscall(_RESTRICT, rules, 0), "landlock")
    finally:
        os.close(rules)
    return found


def _allow(rules: int, path: Path, rights: int) -> None:
    """What is not there needs no rule."""
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not path.is_dir():
            rights &= _ON_FILES
        beneath = struct.pack("=Qi", rights, target)
        result = kernel.libc.syscall(_ADD, rules, _PATH_BENEATH, beneath, 0)
        kernel.checked(result, f"landlock {path}")
    finally:
        os.close(target)
