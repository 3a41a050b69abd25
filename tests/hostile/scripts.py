"""What a hostile player does from its start to its end, an act at a time."""

from random import Random
from typing import NamedTuple

from hostile.messages import NUMBERS, some_line
from hostile.models import some_model


class Act(NamedTuple):
    """What a player does between two looks of the referee."""

    send: bytes = b""
    model: bytes | None = None  # lies in the mapping from then on
    cells: tuple[int, ...] = ()  # on the board from then on
    close: bool = False  # its end of the socket
    exit: int | None = None  # of its process, with this code


READY = Act(b'{"message": "Ready", "fields": {}}\n')


def some_script(random: Random) -> list[Act]:
    """It says Ready first, mostly, and then anything; at its end it is silent, gone or dead."""
    acts: list[Act] = []
    model = b""
    if random.random() < 0.95:
        acts.append(READY)
    for _ in range(random.randrange(1, 20)):
        if not model or random.random() < 0.5:
            model = some_model(random)
            acts.append(Act(model=model))
        if random.random() < 0.1:
            acts.append(Act(cells=tuple(random.choice(NUMBERS[:9]) for _ in range(3))))
        line = some_line(random, len(model)) + (b"\n" if random.random() < 0.97 else b"")
        cut = random.randrange(len(line) + 1) if random.random() < 0.2 else 0
        acts += [Act(part) for part in (line[:cut], line[cut:]) if part]
        if random.random() < 0.1:
            acts.append(Act())
    if random.random() < 0.3:  # several lines at once
        at = random.randrange(len(acts))
        acts[at:] = [Act(b"".join(act.send for act in acts[at:])), *acts[at:][-1:]]
    if random.random() < 0.3:
        acts.append(Act(close=True))
    elif random.random() < 0.3:
        acts.append(Act(exit=random.choice([0, 1, 3, -9, -11, -15])))
    return acts
