"""Names for the array types that signatures speak of, and the one way into nested batches."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# "targets", whatever the network takes ("inputs"), and "weights" where something is padding. The
# first two are arrays, or dicts, tuples and lists of arrays, nested as deep as one likes; weights
# are one array, of rows or of their parts: `weights_of` in data/batches.py.
Batch = Mapping[str, Any]


def map_arrays(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree of the same form, with function(array, *those at its place in the others) as leaves.

    Dicts, tuples (named ones, too) and lists are walked into; all else is a leaf.
    """
    if isinstance(tree, Mapping):
        return {
            name: map_arrays(function, part, *(other[name] for other in others))
            for name, part in tree.items()
        }
    if isinstance(tree, tuple | list):
        parts = [map_arrays(function, *places) for places in zip(tree, *others, strict=True)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return function(tree, *others)
