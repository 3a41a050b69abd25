"""Handing a model over: the safetensors layout in a mapping that is kept for the whole trial.

The layout is written once; later hand-overs cost one copy of the values. What is in the mapping is
inert: names, types, shapes and bytes.
Source of the layout: https://huggingface.co/docs/safetensors (8 bytes of header length, a JSON
header, then the values).
"""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "uint32": "U32", "uint64": "U64",
}
_ALIGNMENT = 64
MODEL_FILE = "model"  # a model that comes as a file crosses as one array of bytes, by this name


class Handover:
    """Writes models of one manifest into one buffer."""

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self._buffer = np.frombuffer(buffer, dtype=np.uint8)
        self._manifest: dict[str, tuple] = {}
        self._views: dict[str, NDArray] = {}
        self._length = 0

    def write(self, arrays: Mapping[str, NDArray]) -> int:
        """Copy the values in; returns the bytes used.

        Raises: ValueError if they do not fit the buffer, or a type has no safetensors name.
        """
        manifest = {name: (array.dtype, array.shape) for name, array in arrays.items()}
        if manifest != self._manifest:
            self._lay_out(arrays)
            self._manifest = manifest
        for name, array in arrays.items():
            np.copyto(self._views[name], array)
        return self._length

    def _lay_out(self, arrays: Mapping[str, NDArray]) -> None:
        header, start, self._length = places(arrays)
        if self._length > len(self._buffer):
            raise ValueError(
                f"the model takes {self._length} bytes, its mapping has {len(self._buffer)}"
            )
        self._buffer[:start] = np.frombuffer(header, dtype=np.uint8)
        self._views, offset = {}, start
        for name, array in arrays.items():
            end = offset + array.nbytes
            view = self._buffer[offset:end].view(array.dtype).reshape(array.shape)
            self._views[name] = view
            view.fill(0)  # touch the pages now, not in a timed copy
            offset = end


def places(arrays: Mapping[str, NDArray]) -> tuple[bytes, int, int]:
    """(header, where values start, total bytes) of these arrays in the safetensors layout.

    Larger types first would keep odd sizes aligned; models are of one type but for counters, so
    the order given is kept and only the start is aligned.
    """
    entries, offset = {}, 0
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise ValueError(f"{name} has type {array.dtype}; allowed are {', '.join(_DTYPES)}")
        entries[name] = {
            "dtype": _DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    header = len(text).to_bytes(8, "little") + text
    return header, len(header), len(header) + offset
