"""Cores of this machine: each is for one player at a time, whoever runs it.

    <folder>/mlgolf-cores      locked while somebody chooses
    <folder>/mlgolf-core-3     locked, shared, by everybody whose player has core 3 or every core;
                               a line in it for each that came while another was there

The folder is the machine's for temporary files, or $MLGOLF_LOCK_DIR. Every user may write to these
files, so that trials of several users see one another.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.hardware import HardwareClass


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of a player, while they are taken."""

    numbers: tuple[int, ...] = ()  # all that there are if empty
    locks: tuple[int, ...] = ()

    def were_shared(self) -> bool:
        """Whether another player has had one of them in the meantime."""
        return any(os.fstat(lock).st_size for lock in self.locks)


ALL_CORES = Cores()
_of_the_run: set[int] = set()


def first_choice() -> int:
    """The core that is taken first, the same for all workers of a run."""
    return max(_of_the_run or os.sched_getaffinity(0))


def keep_in_mind(cores: Iterable[int]) -> None:
    """In a worker that has one core itself: all that its run may use."""
    _of_the_run.update(cores)


@contextmanager
def taken_cores(hardware: HardwareClass) -> Iterator[Cores]:
    """The last core that is free, for a class that is pinned to one; otherwise every core.

    Where none is free the last is shared, and both players learn of it by `were_shared`.
    """
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    with contextlib.ExitStack() as at_the_end:
        with lock_file("cores") as choosing:
            fcntl.flock(choosing, fcntl.LOCK_EX)
            numbers = (_first_free(allowed),) if hardware.pin_to_one_core else ()
            locks = [at_the_end.enter_context(lock_file(f"core-{n}")) for n in numbers or allowed]
            for lock in locks:
                _take(lock)
        yield Cores(numbers, tuple(locks))


def _first_free(allowed: list[int]) -> int:
    for core in allowed:
        with lock_file(f"core-{core}") as lock:
            if _is_free(lock):
                return core
    return allowed[0]


def _is_free(lock: int) -> bool:
    """If so, it is ours alone."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(lock: int) -> None:
    if _is_free(lock):
        os.ftruncate(lock, 0)
    else:
        os.write(lock, b"shared\n")
    fcntl.flock(lock, fcntl.LOCK_SH)


@contextmanager
def lock_file(name: str) -> Iterator[int]:
    """A file of this machine that every user may lock."""
    folder = Path(os.environ.get("MLGOLF_LOCK_DIR") or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"mlgolf-{name}"
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        os.fchmod(descriptor, 0o666)  # whatever is usual for this user's files
    except FileExistsError:
        # Without O_CREAT: some kernels refuse it in /tmp for files of other users.
        descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def kept_off(cores: Iterable[int]) -> Iterator[None]:
    """This process off the cores that players have, where others are left."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - set(cores) or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
