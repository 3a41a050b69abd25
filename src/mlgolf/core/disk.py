"""What a disk refused: errors of writing that name their file and their cause."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlgolf.core.errors import RunFolderError
from mlgolf.core.text import in_words


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError of the block that names no file, as those of writing, names this one.

    Raises: the OSError, with an errno where the library that raised it gave one in words only.
    """
    try:
        yield
    except OSError as error:
        number = error.errno or _number_in(str(error))
        if error.filename is not None or not number:
            raise
        raise OSError(number, os.strerror(number), str(path)) from None


def _number_in(message: str) -> int:
    """The errno that Polars and numpy put into words; 0 if there is none."""
    if found := re.search(r"os error (\d+)", message):
        return int(found[1])
    return errno.ENOSPC if re.search(r"\d+ requested and \d+ written", message) else 0


@contextmanager
def disk_errors_told() -> Iterator[None]:
    """An error about a file or folder is raised as one of ours, for callers of the Python face."""
    try:
        yield
    except OSError as error:
        message = in_words(error)
        if message is None:
            raise
        raise RunFolderError(message) from error
