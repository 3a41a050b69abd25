"""Points that no other point beats in both of two quantities."""

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray


def pareto_front(first: FloatArray, second: FloatArray) -> BoolArray:
    """Which points no other equals or beats in both quantities and beats in one.

    Args: first, second: (points,), smaller is better, none of them NaN.
    Returns: (points,). Of equal points all are on the front.
    """
    order = np.lexsort((second, first))
    ahead = second[order]
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], ahead[:-1]]))
    is_equal = np.zeros(len(order), dtype=bool)
    is_equal[1:] = (np.diff(first[order]) == 0) & (np.diff(ahead) == 0)
    on_it = np.zeros(len(order), dtype=bool)
    last = False
    for place, better in enumerate(ahead < best_before):
        last = bool(better) or (last and bool(is_equal[place]))
        on_it[order[place]] = last
    return on_it
