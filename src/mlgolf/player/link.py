"""The player's link to the referee: what a contestant of any kind says to it, and hears from it.

A model crosses as named arrays. The link knows neither what they mean nor who trains them.
"""

import gc
import mmap
import os
import re
import socket
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from numpy.typing import NDArray

from mlgolf.core.messages import (
    Assignment,
    Begin,
    Evaluated,
    Failed,
    Finished,
    Logged,
    Message,
    Ready,
    Stop,
    Submitted,
)
from mlgolf.player.channel import Board, Channel
from mlgolf.player.handover import Handover

Awaited = TypeVar("Awaited", Assignment, Begin, Evaluated)


class Stopped(Exception):
    """The referee ended the trial. Only an in-process player lives to see it."""


class Link:
    """The player's end.

    Attributes:
      board: where a loop tells its step, and reads the flag of an evaluation that is due and a copy
        of the clock. A step must cost no more than that, so there are no methods around it.
      touched: what the contestant looked up so far, which is told with each model and at the end.
    """

    def __init__(self, channel: Channel, board: Board, handover: Handover) -> None:
        self._channel, self._handover = channel, handover
        self.board = board
        self.touched: Mapping[str, int] = {}

    @classmethod
    def over(cls, connection: socket.socket, board: int, mapping: int) -> "Link":
        """By a socket and the descriptors of the board and of the mapping for models."""
        shared = memoryview(mmap.mmap(mapping, os.fstat(mapping).st_size))
        return cls(Channel(connection), Board(board), Handover(shared))

    def assignment(self) -> Assignment:
        """Wait for what to train: the first that is heard."""
        return self._await(Assignment)

    def begin(self, versions: Mapping[str, str]) -> None:
        """Say that all that is off the clock is done. The clock runs once this returns."""
        gc.collect()
        gc.freeze()  # what was made off the clock is not searched for garbage on it
        self._channel.send(Ready(dict(versions)))
        self._await(Begin)

    def submit(self, arrays: Mapping[str, NDArray], step: int) -> Evaluated:
        """Hand a model over and wait for its evaluation; every process stands still meanwhile.

        Raises: ValueError for a model that the mapping cannot hold; Stopped.
        """
        return self._hand_over(arrays, step, is_query=False)

    def query(self, arrays: Mapping[str, NDArray], step: int) -> Evaluated:
        """Ask for an evaluation that is never scored, and whose cost is added to the clock."""
        return self._hand_over(arrays, step, is_query=True)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Have numbers written into the log of the trial."""
        self._channel.send(Logged(step, values))

    def finish(self, step: int, reason: str) -> None:
        """Say that training is done, and why. The last model was submitted before."""
        self._channel.send(Finished(step, reason, dict(self.touched)))

    def fail(self, error: BaseException) -> None:
        """Say which exception stopped the player."""
        trace = "".join(traceback.format_exception(error))[-8000:]
        kind, text = type(error).__name__, str(error)[:4000]
        self._channel.send(Failed(self.board.step, kind, text, trace, _peak_address_space()))

    def close(self) -> None:
        self._channel.close()

    def _hand_over(
        self, arrays: Mapping[str, NDArray], step: int, *, is_query: bool
    ) -> Evaluated:
        length = self._handover.write(arrays)
        self._channel.send(Submitted(step, length, is_query, dict(self.touched)))
        return self._await(Evaluated)

    def _await(self, kind: type[Awaited]) -> Awaited:
        message: Message | None = self._channel.receive()
        if isinstance(message, Stop):
            raise Stopped
        assert isinstance(message, kind), message
        return message


def _peak_address_space() -> int:
    """Bytes, by /proc; 0 where there is none."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmPeak:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0
