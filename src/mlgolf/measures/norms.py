"""Norms of all parameters taken as one vector, summed in double precision."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def l1(parameters: Mapping[str, NDArray]) -> float:
    """Sum of absolute values, at least 0; NaN if a parameter is NaN."""
    return math.fsum(float(np.abs(a.astype(np.float64)).sum()) for a in parameters.values())


def l2(parameters: Mapping[str, NDArray]) -> float:
    """Square root of the sum of squares, at least 0; NaN if a parameter is NaN."""
    squares = (float(np.square(a.astype(np.float64)).sum()) for a in parameters.values())
    return math.sqrt(math.fsum(squares))
