"""Labels stand where nothing is covered, or not at all."""

from mlgolf.plots.free_labels import free_labels
from mlgolf.plots.label_places import Box

ROOM = Box(0, 0, 300, 200)


def test_a_label_is_to_the_right_of_its_mark_where_there_is_room():
    (label,) = free_labels(["name"], [(100, 100)], [], ROOM)
    assert (label.side, label.x > 100) == (1, True)


def test_a_mark_at_the_right_edge_has_its_label_to_the_left():
    (label,) = free_labels(["name"], [(298, 100)], [], ROOM)
    assert (label.side, label.x < 298) == (-1, True)


def test_of_marks_at_one_place_only_some_are_named_and_the_first_is():
    found = free_labels(["name"] * 20, [(150, 100)] * 20, [], ROOM)
    assert [label.place for label in found] == [0, 1, 2, 3]


def test_no_label_covers_what_is_named_as_covered():
    everything = Box(0, 0, 300, 200)
    assert free_labels(["name"], [(150, 100)], [everything], ROOM) == []
