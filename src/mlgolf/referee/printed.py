"""What a player prints: it has a pipe, and its supervisor writes what comes out into the log.

A descriptor of the log would be a hold on a file of the host. Whoever owns a file may change its
mode and take room on its disk by any descriptor, past all limits. Standard library only.
"""

import contextlib
import os
import select

LARGEST_LOG = 1 << 30  # bytes
_PIECE = 1 << 16
_PIECES_OF_A_PIPE = 32  # more than an ordinary user's pipe can hold


class Printed:
    """The supervisor's end. What is printed goes to the supervisor's own standard output."""

    def __init__(self) -> None:
        self._source, self._theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._source, False)  # a player can open this end, too, and read before us
        self._left = LARGEST_LOG

    def become_streams(self) -> None:
        """In the player: all three streams, and none of them is a file of the host."""
        nothing = os.open(os.devnull, os.O_RDONLY)  # in its own root, where it is read-only
        os.dup2(nothing, 0)
        os.dup2(self._theirs, 1)
        os.dup2(self._theirs, 2)
        os.close(nothing)

    def begin(self) -> None:
        """In the supervisor, once the player has been forked."""
        os.close(self._theirs)

    @property
    def sources(self) -> list[int]:
        """For select: where what is printed comes out; none once the log takes no more."""
        return [] if self._source < 0 else [self._source]

    def pass_on(self) -> None:
        """What is there now, or a part of it. Once the log has no room, printing is an error."""
        try:
            data = os.read(self._source, min(_PIECE, self._left))
        except BlockingIOError:
            return
        self._left -= len(data)
        rest = data
        with contextlib.suppress(OSError):  # a disk that is full: these words are lost, no more
            while rest:
                rest = rest[os.write(1, rest) :]
        if not data or not self._left:
            os.close(self._source)
            self._source = -1

    def pass_on_the_rest(self) -> None:
        """What was printed before now. Whoever prints still is not waited for."""
        for _ in range(_PIECES_OF_A_PIPE):
            if not select.select(self.sources, [], [], 0)[0]:
                return
            self.pass_on()
