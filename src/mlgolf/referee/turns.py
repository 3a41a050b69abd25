"""Turns of trials that play side by side on one machine: each may have it alone for a while.

    <folder>/mlgolf-alone      locked by who has the machine alone, or waits for it
    <folder>/mlgolf-running    locked, shared, by every trial at work; exclusively by who is alone

The kernel keeps the locks, so whoever is killed holds nothing. Nobody is made to stop: a trial asks
often whether somebody waits, has its player stand still, and steps aside until it may go on.
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlgolf.referee.cores import lock_file

PATIENCE_SECONDS = 10.0  # for all others to step aside
POLL_SECONDS = 0.005
_LOOKS = 20  # that others may take at the file just then: each has it for a moment


class Turns:
    """One trial's place among those of this machine that take turns."""

    def __init__(self, alone: int, running: int) -> None:
        """Args: descriptors of the two files. `running` is held, shared."""
        self._alone, self._running = alone, running

    def is_wanted(self) -> bool:
        """Whether another trial waits for the machine."""
        try:
            fcntl.flock(self._alone, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._alone, fcntl.LOCK_UN)
        return False

    def step_aside(self) -> float:
        """Let the other have the machine. Returns: seconds until it is ours, too, once more."""
        began = time.monotonic()
        fcntl.flock(self._running, fcntl.LOCK_UN)
        _wait_until_nobody_is_alone(self._alone)
        fcntl.flock(self._running, fcntl.LOCK_SH)
        return time.monotonic() - began

    def take(self) -> bool:
        """Have the machine alone, as soon as all others have stepped aside.

        Returns: whether it is ours. Where another has it, or waits, or does not step aside, it is
          not.
        """
        if not _locked_between_looks(self._alone):
            return False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _locked(self._running):
            if time.monotonic() > deadline:  # somebody is stopped, or evaluates for long
                self.give_back()
                return False
            time.sleep(POLL_SECONDS)
        return True

    def give_back(self) -> None:
        fcntl.flock(self._running, fcntl.LOCK_SH)
        fcntl.flock(self._alone, fcntl.LOCK_UN)


@contextmanager
def turns() -> Iterator[Turns]:
    """A place among the trials that take turns, from when nobody is alone."""
    with contextlib.ExitStack() as at_the_end:
        alone, running = (at_the_end.enter_context(lock_file(n)) for n in ("alone", "running"))
        _wait_until_nobody_is_alone(alone)
        fcntl.flock(running, fcntl.LOCK_SH)
        yield Turns(alone, running)


def _locked(file: int) -> bool:
    """Whether nobody else has it, so that it is ours alone."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_between_looks(file: int) -> bool:
    """As `_locked`, where others only ask whether somebody has it."""
    for _ in range(_LOOKS):
        if _locked(file):
            return True
        time.sleep(POLL_SECONDS / _LOOKS)
    return False


def _wait_until_nobody_is_alone(alone: int) -> None:
    fcntl.flock(alone, fcntl.LOCK_SH)
    fcntl.flock(alone, fcntl.LOCK_UN)
