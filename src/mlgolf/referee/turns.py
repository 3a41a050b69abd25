"""Turns of trials that play side by side on one machine: each may have it alone for a while.

    <folder>/mlgolf-alone      locked by who has the machine alone, or waits for it
    <folder>/mlgolf-running    locked, shared, by every trial at work; exclusively by who is alone

The kernel keeps the locks, so whoever is killed holds nothing. Nobody is made to stop: a trial asks
often whether somebody waits, has its player stand still, and steps aside until it may go on.
Looking whether somebody waits takes no lock, so it is in nobody's way.
"""

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlgolf.referee.cores import lock_file

PATIENCE_SECONDS = 10.0  # for all others to step aside
POLL_SECONDS = 0.005
LOCK = struct.Struct("hhqqi4x")  # kind, whence, start, length, process: struct flock of 64 bits


class Turns:
    """One trial's place among those of this machine that take turns."""

    def __init__(self, alone: int, running: int) -> None:
        """Args: descriptors of the two files. `running` is held, shared."""
        self._alone, self._running = alone, running

    def is_wanted(self) -> bool:
        """Whether another trial waits for the machine."""
        asked = fcntl.fcntl(self._alone, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_RDLCK))
        return LOCK.unpack(asked)[0] == fcntl.F_WRLCK

    def step_aside(self) -> float:
        """Let the other have the machine. Returns: seconds until it is ours, too, once more."""
        began = time.monotonic()
        _lock(self._running, fcntl.F_UNLCK)
        _wait_until_nobody_is_alone(self._alone)
        _lock(self._running, fcntl.F_RDLCK)
        return time.monotonic() - began

    def take(self) -> bool:
        """Have the machine alone, as soon as all others have stepped aside.

        Returns: whether it is ours. Where another has it, or waits, or does not step aside, it is
          not.
        """
        if not _is_ours_alone(self._alone):
            return False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _is_ours_alone(self._running):
            if time.monotonic() > deadline:  # somebody is stopped, or evaluates for long
                self.give_back()
                return False
            time.sleep(POLL_SECONDS)
        return True

    def give_back(self) -> None:
        _lock(self._running, fcntl.F_RDLCK)
        _lock(self._alone, fcntl.F_UNLCK)


@contextmanager
def turns() -> Iterator[Turns]:
    """A place among the trials that take turns, from when nobody is alone."""
    with contextlib.ExitStack() as at_the_end:
        alone, running = (at_the_end.enter_context(lock_file(n)) for n in ("alone", "running"))
        _wait_until_nobody_is_alone(alone)
        _lock(running, fcntl.F_RDLCK)
        yield Turns(alone, running)


def _whole_file(kind: int) -> bytes:
    return LOCK.pack(kind, os.SEEK_SET, 0, 0, 0)


def _lock(file: int, kind: int) -> None:
    """Waits where it must. A lock belongs to the open file, not to the process or thread."""
    fcntl.fcntl(file, fcntl.F_OFD_SETLKW, _whole_file(kind))


def _is_ours_alone(file: int) -> bool:
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
    except BlockingIOError:
        return False
    return True


def _wait_until_nobody_is_alone(alone: int) -> None:
    _lock(alone, fcntl.F_RDLCK)
    _lock(alone, fcntl.F_UNLCK)
