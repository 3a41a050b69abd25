"""The player's process: `python -m mlgolf.player CHANNEL BOARD MAPPING [LENGTH]`, descriptors all.

Waits for its Assignment, does what is off the clock, says Ready, and trains from Begin on.
"""

import mmap
import os
import socket
import sys

from mlgolf.player.channel import Board, Channel
from mlgolf.player.play import play


def main(arguments: list[str]) -> None:
    channel_fd, board_fd, mapping_fd = map(int, arguments)
    for descriptor in (channel_fd, board_fd, mapping_fd):
        os.set_inheritable(descriptor, False)
    mapping = memoryview(mmap.mmap(mapping_fd, os.fstat(mapping_fd).st_size))
    channel = Channel(socket.socket(fileno=channel_fd))
    play(channel, Board(board_fd), mapping)


if __name__ == "__main__":
    main(sys.argv[1:])
