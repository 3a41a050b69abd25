from typing import NamedTuple

import numpy as np
import pytest

from mlgolf.core.arrays import map_arrays


class Pair(NamedTuple):
    left: object
    right: object


def test_a_tree_keeps_its_form():
    tree = {"a": [1, (2, {"b": 3})], "c": Pair(4, [5])}
    doubled = map_arrays(lambda leaf: 2 * leaf, tree)
    assert doubled == {"a": [2, (4, {"b": 6})], "c": Pair(8, [10])}
    assert isinstance(doubled["c"], Pair)


def test_the_rows_of_an_array_are_not_walked_into():
    shapes = map_arrays(lambda leaf: leaf.shape, {"a": np.zeros((2, 3))})
    assert shapes == {"a": (2, 3)}


def test_leaves_meet_those_at_the_same_place_of_other_trees():
    trees = [{"a": (1, [2])}, {"a": (10, [20])}, {"a": (100, [200])}]
    assert map_arrays(lambda *leaves: sum(leaves), *trees) == {"a": (111, [222])}


def test_trees_of_different_length_do_not_meet():
    with pytest.raises(ValueError, match="shorter"):
        map_arrays(lambda *leaves: leaves, {"a": (1, 2)}, {"a": (1,)})
