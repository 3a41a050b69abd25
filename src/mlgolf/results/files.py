"""Files that survive a power cut: written whole or not at all, or line by line."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from mlgolf.core.disk import naming
from mlgolf.core.errors import RunFolderError


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """Replace the file in one step. synced: it is on disk when this returns."""
    text = json.dumps(value, indent=1) + "\n"
    write_bytes(path, text.encode(), synced=synced)


def write_bytes(path: Path, content: bytes, *, synced: bool = True) -> None:
    """As write_json."""
    temporary = unfinished(path)
    try:
        with naming(path), open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if synced:
        sync_folder(path.parent)


def unfinished(path: Path) -> Path:
    """Where a file is written before it takes its place: a kill may leave it there."""
    return path.with_name(f".{path.name}.tmp")


def read_json(path: Path, *, missing_ok: bool = False) -> Any:
    """None where there is no such file and that is allowed.

    Raises: RunFolderError naming the file, and the line where it is no JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        if missing_ok:
            return None
        message = f"{path} is missing; is {path.parent} a folder of this kind?"
        raise RunFolderError(message) from None
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: not JSON: {error}") from None


def read_at_once(path: str | Path) -> bytes:
    """All bytes of a file; of a pipe only what is in it, so that nothing can make this wait."""
    with FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as file:
        return file.readall() or b""


def append_line(path: Path, value: Any) -> None:
    """Add one JSON line; it is on disk when this returns."""
    append_text(path, json.dumps(value) + "\n", synced=True)


def append_text(path: Path, text: str, *, synced: bool = False) -> None:
    """Add text, whatever characters it has. synced: it is on disk when this returns."""
    with naming(path), open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        if synced:
            os.fsync(file.fileno())


def read_lines(path: Path, *, torn_end: bool) -> Iterator[dict]:
    """JSON lines of a file that may not exist yet.

    Args: torn_end: whether a last line without an end is dropped: a kill in mid-write leaves it.
    Raises: RunFolderError naming file and line.
    """
    if not path.exists():
        return
    try:
        lines = path.read_text().split("\n")
    except UnicodeDecodeError as error:
        raise RunFolderError(f"{path}: not text: {error}") from None
    ended, rest = lines[:-1], lines[-1]
    if rest and not torn_end:
        ended.append(rest)
    if (at_once := _at_once(ended)) is not None:
        yield from at_once
        return
    for number, line in enumerate(ended, start=1):
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RunFolderError(f"{path}, line {number}: not JSON: {error}") from None


def _at_once(lines: list[str]) -> list[Any] | None:
    """What each line holds; None unless every one is JSON: reading one by one then says which."""
    try:
        found = json.loads(f"[{','.join(lines)}]")
    except (ValueError, RecursionError):
        return None
    return found if len(found) == len(lines) else None


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder for as long as it is used; those that killed processes left are removed as well."""
    everybodys = Path(tempfile.gettempdir())
    for left in everybodys.glob(f"mlgolf-{purpose}-*"):
        owner = left.name.split("-")[2]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"mlgolf-{purpose}-{os.getpid()}-") as folder:
        yield Path(folder)
