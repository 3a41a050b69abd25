"""From an assignment to the end of training: what every player of ours does, in any process."""

import os
import random
import socket
from collections.abc import Callable, Mapping

import numpy as np

from mlgolf.core.errors import UnknownName
from mlgolf.core.messages import Assignment
from mlgolf.player.entry import play_entry
from mlgolf.player.harness import play_submission
from mlgolf.player.link import Link, Stopped

# By the contract that a contestant is held to. Each sends Ready, trains, and says how it ended.
CONTRACTS: Mapping[str, Callable[[Assignment, Link], None]] = {
    "submission": play_submission, "entry": play_entry,
}


def play_over(channel: int, board: int, mapping: int) -> None:
    """Serve one assignment over inherited descriptors, which nothing it starts inherits."""
    for descriptor in (channel, board, mapping):
        os.set_inheritable(descriptor, False)
    play(Link.over(socket.socket(fileno=channel), board, mapping))


def play(link: Link) -> None:
    """Serve one assignment. Whatever goes wrong is told to the referee, with its traceback."""
    try:
        assignment = link.assignment()
        if assignment.contract not in CONTRACTS:
            raise UnknownName("contract", assignment.contract, known=CONTRACTS)
        seed_libraries(assignment.seed)
        CONTRACTS[assignment.contract](assignment, link)
    except Stopped:
        return
    except EOFError:
        return  # the referee is gone, and with it everybody who could care
    except (Exception, SystemExit) as error:
        link.fail(error)


def seed_libraries(seed: int) -> None:
    """Fix the generators that a contestant may use without being handed a key."""
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
