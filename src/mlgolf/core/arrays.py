"""Names for the array types that signatures speak of."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Batch = Mapping[str, NDArray]  # "inputs", "targets", and "weights" where something is padding
