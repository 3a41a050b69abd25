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
    walls: bool = False  # every wall of the level `bubblewrap`, or no player at all
    given: Sequence[Path] = ()  # folders that it may read, whose files come in the pack
    pack: int | None = None  # descriptor of it (`packs.py`)

    @property
    def descriptors(self) -> list[int]:
        """All that come with it."""
        return [*self.inherit, *([] if self.pack is None else [self.pack])]

    def encode(self) -> str:
        return json.dumps(self._asdict(), default=str)

    @classmethod
    def decode(cls, text: str | bytes) -> "Order":
        order = cls(**json.loads(text))
        paths = {name: [*map(Path, getattr(order, name))] for name in ("see", "hide", "given")}
        return order._replace(**paths)


class Command(Enum):
    """One datagram each. The end of the socket ends everything."""

    START = b"start"
    FREEZE = b"freeze"
    THAW = b"thaw"


class Hold(NamedTuple):
    """The first answer: how the player is held.

    Two descriptors come with it: of the player's process, whose number is another in here, and of
    its task clock if there is one.
    """

    freezing: str  # pid_namespace, best_effort
    files: str  # private, shared
    namespaces_refused: str  # why; empty if they were not
    task_clock_refused: str  # why there is no descriptor; empty if there is
    landlock: int = 0  # its version; 0 where it does not hold the player


class Refused(NamedTuple):
    """The first answer of a supervisor that cannot put up every wall."""

    why: str


class Done(NamedTuple):
    """FREEZE or THAW has been carried out."""

    command: str

    @classmethod
    def of(cls, command: Command) -> "Done":
        return cls(command.name)


class Ended(NamedTuple):
    """The player's first process is gone."""

    code: int  # exit code, or minus the signal


Answer = Hold | Refused | Done | Ended
_ANSWERS = {kind.__name__: kind for kind in (Hold, Refused, Done, Ended)}


def encode_answer(answer: Answer) -> bytes:
    return json.dumps([type(answer).__name__, *answer]).encode()


def decode_answer(data: bytes) -> Answer:
    kind, *fields = json.loads(data)
    return _ANSWERS[kind](*fields)
