"""Who is playing a trial, so that two workers do not play the same one.

    claim.json    in the folder of a trial while it is played: machine, process, since when
"""

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlgolf.core.errors import RunFolderError, TrialTaken
from mlgolf.results.files import read_json, write_json

FILE = "claim.json"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else plays the trial there until the block ends.

    What a process of this machine left when it was killed is taken over.
    Raises: TrialTaken if somebody else has it, saying who.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    _put_aside_if_left(path)
    mine = folder / f".{FILE}.{uuid.uuid4().hex}"
    try:
        write_json(mine, _ours())
        os.link(mine, path)  # whole or not at all, and by one of several
    except FileExistsError:
        claim = read_json(path, missing_ok=True)
        raise TrialTaken(_taken(folder, claim) if claim else _taken_before(folder)) from None
    except FileNotFoundError:  # somebody else got it, and cleared ours away
        raise TrialTaken(_taken_before(folder)) from None
    finally:
        mine.unlink(missing_ok=True)
    try:
        _clear(folder)
        yield
    finally:
        path.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove unfinished claims of the dead, and of who is writing one and comes too late.

    Others stay: one may be ours, which somebody has put aside and is about to put back.
    """
    for unfinished in folder.glob(f".*{FILE}.*"):
        try:
            claim = read_json(unfinished, missing_ok=True)
        except RunFolderError:  # half of one
            claim = None
        if claim is None or _is_left(claim):
            unfinished.unlink(missing_ok=True)


def holder(folder: Path) -> str:
    """Who plays the trial there now, in a sentence; empty if nobody does, as far as one can see."""
    claim = read_json(folder / FILE, missing_ok=True)
    return "" if claim is None or _is_left(claim) else _taken(folder, claim)


def _put_aside_if_left(path: Path) -> None:
    """Remove what a dead process left: of several that try, one finds it."""
    claim = read_json(path, missing_ok=True)
    if claim is None or not _is_left(claim):
        return
    aside = path.with_name(f".{FILE}.{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    taken = read_json(aside, missing_ok=True)
    if taken is None or _is_left(taken):
        aside.unlink(missing_ok=True)
    else:  # somebody took it over in between: it is theirs
        with suppress(FileNotFoundError):
            os.replace(aside, path)


def _ours() -> dict[str, Any]:
    return {
        "host": platform.node(), "boot": _boot(), "process": os.getpid(),
        "started": _start_of(os.getpid()), "since": datetime.now(UTC).isoformat("T", "seconds"),
    }  # fmt: skip


def _is_left(claim: dict[str, Any]) -> bool:
    """Whether the process that made it is known to be gone: it ended, or its machine did."""
    if claim["host"] != platform.node():
        return False
    return claim["boot"] != _boot() or _start_of(claim["process"]) != claim["started"]


def _boot() -> str:
    """Differs from one start of the machine to the next."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_of(process: int) -> int | None:
    """When a process began, in the kernel's ticks: process numbers are used again."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def _taken_before(folder: Path) -> str:
    return f"{folder} was being played by another process until now; --resume finds how it ended."


def _taken(folder: Path, claim: dict[str, Any]) -> str:
    return (
        f"{folder} is being played by process {claim['process']} on {claim['host']}, since "
        f"{claim['since']}. If that machine is gone, remove {FILE} there."
    )
