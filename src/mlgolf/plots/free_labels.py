"""Labels of some of many marks: each stands where nothing is covered, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlgolf.plots.label_places import Box

CHARACTER, LINE = 6.4, 13.0  # pixels, of text of 11 pixels
NEAR = 5.0  # pixels between a mark and the corner of its label
Align = Literal["left", "right"]
ALIGNED: tuple[tuple[int, Align], ...] = ((1, "left"), (-1, "right"))  # of texts, by their side
SIDES = ((1, -1), (-1, 1), (1, 1), (-1, -1))  # right above, left below, right below, left above


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeLabel:
    """Where a text begins (side 1) or ends (side -1), and the middle of its line."""

    place: int  # of its mark, among all
    x: float
    y: float
    side: int


def free_labels(
    texts: Sequence[str], at: Sequence[tuple[float, float]], covered: Sequence[Box], room: Box
) -> list[FreeLabel]:
    """The first marks are served first.

    Args: at: the pixels of each mark. covered: what no label may hide.
    """
    taken, found = list(covered), []
    for place, (text, (x, y)) in enumerate(zip(texts, at, strict=True)):
        for right, down in SIDES:
            box = _box(x + right * NEAR, y + down * NEAR, CHARACTER * len(text), right, down)
            if _is_within(box, room) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                middle = (box.top + box.bottom) / 2
                found.append(FreeLabel(place=place, x=x + right * NEAR, y=middle, side=right))
                break
    return found


def _box(x: float, y: float, width: float, right: int, down: int) -> Box:
    left, top = (x if right > 0 else x - width), (y if down > 0 else y - LINE)
    return Box(left, top, left + width, top + LINE)


def _is_within(box: Box, room: Box) -> bool:
    return (
        room.left <= box.left and room.top <= box.top
        and box.right <= room.right and box.bottom <= room.bottom
    )


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.right and other.left < one.right
        and one.top < other.bottom and other.top < one.bottom
    )
