from itertools import combinations

from hypothesis import given
from hypothesis.strategies import floats, lists, tuples

from mlgolf.plots.label_places import FAR, NEAR, Box, Label, places

ROOM = Box(0, 0, 400, 300)
SPOTS = lists(tuples(floats(100, 300), floats(60, 240)), min_size=1, max_size=5)


def labels(spots):
    return [Label(x=x, y=y, width=40, height=20) for x, y in spots]


def marks(spots):
    return [Box(x - 5, y - 5, x + 5, y + 5) for x, y in spots]


def overlap(one, other):
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0, width) * max(0, height)


def test_a_label_alone_stands_to_the_right_of_its_mark():
    (found,) = places(labels([(100, 100)]), marks([(100, 100)]), ROOM)
    assert found == (Box(100 + NEAR, 90, 140 + NEAR, 110), False)


def test_a_label_keeps_within_the_room():
    (found,) = places(labels([(390, 100)]), marks([(390, 100)]), ROOM)
    assert found.box.right <= ROOM.right


@given(spots=SPOTS)
def test_labels_cover_no_mark_and_no_other_label(spots):
    found = [place.box for place in places(labels(spots), marks(spots), ROOM)]
    assert all(overlap(box, mark) == 0 for box in found for mark in marks(spots))
    assert all(overlap(one, other) == 0 for one, other in combinations(found, 2))


def test_a_label_far_from_its_mark_wants_a_line():
    wall = Box(0, 0, 400, 150 + NEAR + FAR - 1)
    (found,) = places(labels([(200, 150)]), [wall], ROOM)
    assert found.is_far
