"""Batches of a size whose data are not there, such as the published ones."""

import numpy as np

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import Size


def stand_in(batch: Batch, count: int, size: Size) -> Batch:
    """So many examples of the shapes of `size`, filled with what a batch holds, again and again.

    Args: batch: of another size of the workload, whose data are there.
    """
    shapes = size.data.shapes
    return {
        name: np.resize(array, (count, *shapes.get(name, array.shape[1:])))
        for name, array in batch.items()
    }
