"""The two ways across: a stream of small messages, and a board of counters in shared memory.

A step must not cost a round trip, so progress and the evaluation flag go by the board; everything
that somebody waits for goes by the stream.
"""

import fcntl
import mmap
import os
import select
import socket
import time

from mlgolf.core.messages import Message, decode, encode

LONGEST_MESSAGE = 1 << 20  # bytes; a traceback fits, a flood does not
_AT_ONCE = 1 << 18  # bytes: more than a socket holds, so one look finds all that was said
NEVER = (1 << 63) - 1
_STEP, _EVALUATE_AT, _CLOCK = range(3)


class Channel:
    """Messages over a stream socket, one JSON line each. Used at both ends."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._pending = b""

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        """Raises: BrokenPipeError once the other side is gone."""
        self._connection.sendall(encode(message))

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message; None if `timeout` seconds pass first.

        Raises: EOFError once the other side is gone; ValueError for what is not a message.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        dripping = False  # bytes came, but no end of a message: that does not prolong the wait
        while not self.has_message():
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not select.select([self], [], [], left)[0] or (left == 0.0 and dripping):
                return None
            dripping = True
            if len(self._pending) > LONGEST_MESSAGE:
                raise _too_long()
            try:
                data = self._connection.recv(_AT_ONCE)
            except ConnectionResetError:
                data = b""
            if not data:
                raise EOFError
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        if len(line) > LONGEST_MESSAGE:
            raise _too_long()
        return decode(line)

    def has_message(self) -> bool:
        """Whether a whole message has arrived already."""
        return b"\n" in self._pending

    def close(self) -> None:
        self._connection.close()


def _too_long() -> ValueError:
    return ValueError(f"a message of over {LONGEST_MESSAGE} bytes")


class Board:
    """Counters in anonymous shared memory: gone with the processes that map them."""

    BYTES = mmap.PAGESIZE

    def __init__(self, descriptor: int) -> None:
        self._cells = memoryview(mmap.mmap(descriptor, self.BYTES)).cast("q")

    @property
    def step(self) -> int:
        """Completed steps. Written by the player."""
        return self._cells[_STEP]

    @step.setter
    def step(self, step: int) -> None:
        self._cells[_STEP] = step

    @property
    def evaluate_at(self) -> int:
        """The flag: an evaluation is due once `step` is at least this. Written by the referee."""
        return self._cells[_EVALUATE_AT]

    @evaluate_at.setter
    def evaluate_at(self, step: int) -> None:
        self._cells[_EVALUATE_AT] = step

    @property
    def clock_seconds(self) -> float:
        """A copy of the referee's clock. Written by the referee; changing it changes nothing."""
        return self._cells[_CLOCK] / 1e9

    @clock_seconds.setter
    def clock_seconds(self, seconds: float) -> None:
        self._cells[_CLOCK] = int(seconds * 1e9)


def anonymous_memory(name: str, size: int) -> int:
    """Descriptor of `size` bytes that have no name in any file system and cannot be resized."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
