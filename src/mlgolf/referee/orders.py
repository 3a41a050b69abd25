"""What a referee and the supervisor of one player say to each other: an order, commands, answers.

Standard library only, and little of it: every supervisor that is run as a script imports this.
"""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

LONGEST_ANSWER = 1 << 16


class Order(NamedTuple):
    """What to start, and how to hold it."""

    argv: Sequence[str]  # program and arguments
    environment: Mapping[str, str] = {}  # all of it
    inherit: Sequence[int] = ()  # descriptors that it keeps
    see: Sequence[Path] = ()  # what it may read besides the system's folders (in namespaces only)
    hide: Sequence[Path] = ()  # folders of which it sees nothing but what `see` names in them
    cores: Sequence[int] = ()  # those it may run on, all if empty
    memory_bytes: int = 0  # its address space, 0 for no limit
    best_effort: bool = False  # do without namespaces, as on a machine that gives none

    def encode(self) -> str:
        return json.dumps(self._asdict(), default=str)

    @classmethod
    def decode(cls, text: str | bytes) -> "Order":
        order = cls(**json.loads(text))
        return order._replace(see=[*map(Path, order.see)], hide=[*map(Path, order.hide)])


class Command(Enum):
    """One datagram each. The end of the socket ends everything."""

    START = b"start"
    FREEZE = b"freeze"
    THAW = b"thaw"


class Hold(NamedTuple):
    """The first answer: how the player is held. A descriptor of its task clock comes with it."""

    pid: int
    freezing: str  # pid_namespace, best_effort
    files: str  # private, shared
    namespaces_refused: str  # why; empty if they were not
    task_clock_refused: str  # why there is no descriptor; empty if there is


class Done(NamedTuple):
    """FREEZE or THAW has been carried out."""

    command: str

    @classmethod
    def of(cls, command: Command) -> "Done":
        return cls(command.name)


class Ended(NamedTuple):
    """The player's first process is gone."""

    code: int  # exit code, or minus the signal


Answer = Hold | Done | Ended
_ANSWERS = {kind.__name__: kind for kind in (Hold, Done, Ended)}


def encode_answer(answer: Answer) -> bytes:
    return json.dumps([type(answer).__name__, *answer]).encode()


def decode_answer(data: bytes) -> Answer:
    kind, *fields = json.loads(data)
    return _ANSWERS[kind](*fields)
