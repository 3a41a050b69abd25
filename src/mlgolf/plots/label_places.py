"""Where labels go: beside what they name, clear of marks, of lines and of one another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlgolf.core.arrays import FloatArray

NEAR = 9.0  # pixels from the middle of a mark
DISTANCES = (0.0, 6.0, 14.0, 26.0, 42.0, 62.0, 86.0)  # beyond what is near
FAR = 14.0  # from there on a line leads from the mark to its label
SIDES = (
    (1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1),
)  # fmt: skip  # right, left, above, below, and between
# What a candidate costs for being less handy.
HANDINESS = np.add.outer(DISTANCES, np.arange(len(SIDES)) / 2).ravel()
PASSES = 3  # each label is placed again, knowing where the others are
HIT = 1000.0  # the cost of a square pixel that is covered, against one of distance


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


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
    offered = [_candidates(label) for label in labels]
    fixed = [
        HANDINESS + HIT * (_outside(found, room) + _covered(found, marks)) for found in offered
    ]
    chosen: list[Place] = []
    for turn in range(PASSES):
        for at, (cost, found) in enumerate(zip(fixed, offered, strict=True)):
            others = chosen[:at] + ([] if turn == 0 else chosen[at + 1:])
            whole = cost + HIT * _covered(found, [place.box for place in others])
            chosen[at:at + 1] = [found[int(whole.argmin())]]
    return chosen


def _candidates(label: Label) -> list[Place]:
    """In the order of `HANDINESS`."""
    return [
        Place(_beside(label, side, NEAR + further), further >= FAR)
        for further in DISTANCES for side in SIDES
    ]


def _beside(label: Label, side: tuple[int, int], distance: float) -> Box:
    right, down = side
    way = distance / math.hypot(right, down)
    middle = label.x + right * (way + label.width / 2)
    centre = label.y + down * (way + label.height / 2)
    return Box(
        middle - label.width / 2, centre - label.height / 2,
        middle + label.width / 2, centre + label.height / 2,
    )  # fmt: skip


def _covered(found: Sequence[Place], boxes: Sequence[Box]) -> FloatArray:
    """Square pixels of all the boxes that each place covers."""
    if not boxes:
        return np.zeros(len(found))
    own = np.array([place.box for place in found])[:, None]
    others = np.array(boxes)[None]
    sides = np.minimum(own[..., 2:], others[..., 2:]) - np.maximum(own[..., :2], others[..., :2])
    return sides.clip(0).prod(axis=-1).sum(axis=-1)


def _outside(found: Sequence[Place], room: Box) -> FloatArray:
    box = found[0].box
    whole = (box.right - box.left) * (box.bottom - box.top)
    return whole - _covered(found, [room])
