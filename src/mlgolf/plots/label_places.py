"""Where labels go: beside what they name, clear of marks, of lines and of one another."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NEAR = 9.0  # pixels from the middle of a mark
DISTANCES = (0.0, 6.0, 14.0, 26.0, 42.0, 62.0, 86.0)  # beyond what is near
FAR = 14.0  # from there on a line leads from the mark to its label
SIDES = (
    (1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1),
)  # fmt: skip  # right, left, above, below, and between
PASSES = 3  # each label is placed again, knowing where the others are
HIT = 1000.0  # the cost of a square pixel that is covered, against one of distance


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is to be placed beside a mark, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Place(NamedTuple):
    box: Box
    is_far: bool  # so that a line is wanted from the mark to its label


def places(labels: Sequence[Label], marks: Sequence[Box], room: Box) -> list[Place]:
    """A place for each label, within the room.

    Args: marks: what must not be covered; a line is a row of small boxes.
    """
    chosen = [next(_candidates(label))[1] for label in labels]
    for turn in range(PASSES):
        for at, label in enumerate(labels):
            known = chosen[:at] if turn == 0 else [*chosen[:at], *chosen[at + 1:]]
            taken = [*marks, *(place.box for place in known)]
            chosen[at] = min(
                _candidates(label), key=lambda one, taken=taken: _cost(*one, taken, room)
            )[1]
    return chosen


def _candidates(label: Label) -> Iterator[tuple[float, Place]]:
    """Places with what each costs for being less handy."""
    for further in DISTANCES:
        for rank, (right, down) in enumerate(SIDES):
            way = (NEAR + further) / math.hypot(right, down)
            middle = label.x + right * (way + label.width / 2)
            centre = label.y + down * (way + label.height / 2)
            box = Box(
                middle - label.width / 2, centre - label.height / 2,
                middle + label.width / 2, centre + label.height / 2,
            )  # fmt: skip
            yield further + rank / 2, Place(box, further >= FAR)


def _cost(handiness: float, place: Place, taken: Sequence[Box], room: Box) -> float:
    box = place.box
    whole = (box.right - box.left) * (box.bottom - box.top)
    outside = whole - box.overlap(room)
    return handiness + HIT * (outside + sum(box.overlap(other) for other in taken))
