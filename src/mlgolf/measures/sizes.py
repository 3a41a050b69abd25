"""How many numbers a model has."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def params(parameters: Mapping[str, NDArray]) -> float:
    """All numbers in all arrays."""
    return float(sum(array.size for array in parameters.values()))


def nonzeros(parameters: Mapping[str, NDArray]) -> float:
    """Those that are not exactly zero: small is not zero, and a NaN is none either."""
    return float(sum(int(np.count_nonzero(array)) for array in parameters.values()))
