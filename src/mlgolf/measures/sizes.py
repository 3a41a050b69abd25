"""How many numbers a model has, and how many bytes they take."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlgolf.measures.compression import Written, compress, written_numbers


def params(parameters: Mapping[str, NDArray]) -> float:
    """All numbers in all arrays."""
    return float(sum(array.size for array in parameters.values()))


def nonzeros(parameters: Mapping[str, NDArray]) -> float:
    """Those that are not exactly zero: small is not zero, and a NaN is none either."""
    return float(sum(int(np.count_nonzero(array)) for array in parameters.values()))


def artifact_bytes(parameters: Mapping[str, NDArray]) -> float:
    """The compressed code of all arrays; their names, shapes and types are the workload's."""
    return float(len(compress(arrays_code(parameters))))


def arrays_code(parameters: Mapping[str, NDArray]) -> bytes:
    """In order of their names: a layout for each array (`<u4`), then the numbers of all.

    Pruning by a mask leaves -0.0, which is written as 0.0. The code is at most as long as all
    numbers, and 4 bytes for each array.
    """
    written = []
    for _, array in sorted(parameters.items()):
        positive = np.ascontiguousarray(array + array.dtype.type(0))  # -0.0 + 0.0 is 0.0
        written.append(Written.of(positive.astype(array.dtype.newbyteorder("<"))))
    layouts = np.array([entry.layout for entry in written], dtype="<u4")
    return layouts.tobytes() + written_numbers(written, types_of(written))


def types_of(written: list[Written]) -> list[str]:
    """Each once, in a fixed order."""
    return sorted({entry.numbers.dtype.str for entry in written})
