"""The record over time: which entries needed less than everybody before them.

An entry that comes late and needs more changes nothing, whatever it is good for besides.
"""

import math
from itertools import pairwise

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray


def records(years: FloatArray, amounts: FloatArray) -> BoolArray:
    """(entries,): which needed less than all before them, and no more than others of their date.

    Args:
      years: ascending.
      amounts: or their logarithms. Of equal amounts the earlier has the record.
    """
    held, least = np.zeros(len(years), dtype=bool), math.inf
    starts = np.flatnonzero(np.diff(years, prepend=-np.inf))
    for start, end in pairwise([*starts, len(years)]):
        best = start + amounts[start:end].argmin()
        if amounts[best] < least:
            held[best], least = True, amounts[best]
    return held
