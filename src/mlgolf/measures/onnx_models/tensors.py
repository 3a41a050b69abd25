"""Tensors in ONNX files: one array, stored in the file as a whole, in one of several fields."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError
from mlgolf.core.text import enumerated
from mlgolf.measures.onnx_models.operators import TENSOR_TYPES
from mlgolf.measures.onnx_models.protobuf import TENSOR, Reader

MAX_RANK = 8
TYPE_NAMES = ", ".join(np.dtype(text).name for text in TENSOR_TYPES.values())


def shown(name: bytes) -> str:
    """A name for messages: short, and harmless on a terminal."""
    text = name[:60].decode(errors="replace")
    return ascii(text + "..." if len(name) > 60 else text)


def read_tensor(reader: Reader, message: memoryview, where: str) -> tuple[bytes, NDArray]:
    """Name and array of a tensor that is stored in the file as a whole."""
    found = reader.read(message, TENSOR, where)
    name = bytes(found.get("name", b""))
    where = f"tensor {shown(name)}" if name else where
    shape = tuple(int(d) for d in found.get("dims", ()))
    kind = found.get("data_type", 0)
    if kind not in TENSOR_TYPES:
        raise ModelError(
            f"{where} has data_type {kind}; allowed are {TYPE_NAMES}. Store it as one of these "
            "and cast it in the graph"
        )
    if len(shape) > MAX_RANK or any(not 0 <= d < 2**31 for d in shape):
        raise ModelError(f"{where} has a shape of {len(shape)} dimensions that is not allowed")
    if found.get("data_location", 0):
        raise ModelError(f"{where} is stored in another file; save all tensors inside the file")
    stored = [name for name in found if name.endswith("_data")]
    if len(stored) > 1:
        raise ModelError(f"{where} has its numbers twice, as {enumerated(stored)}; give one")
    numbers = _numbers(found, stored[0] if stored else "raw_data", np.dtype(TENSOR_TYPES[kind]))
    if numbers is None or numbers.size != math.prod(shape):
        raise ModelError(
            f"{where} of type {np.dtype(TENSOR_TYPES[kind]).name} and shape {shape} does not have "
            "the numbers that it should; write it by onnx.numpy_helper.from_array"
        )
    return name, numbers.reshape(shape)


def _numbers(found: Mapping[str, Any], field: str, dtype: np.dtype) -> NDArray | None:
    """The numbers of a tensor, flat; None if they are not stored as onnx.proto says."""
    values = found.get(field, b"")
    if field == "int64_data" and dtype == "<i8":
        return values
    if field == "uint64_data" and dtype in ("<u4", "<u8"):
        return values.astype(dtype)
    if field == "int32_data" and (dtype.kind == "b" or dtype.itemsize < 4 or dtype == "<i4"):
        if dtype == "<f2":
            return values.astype("<u2").view("<f2")
        return values.astype(dtype)
    homes = {"raw_data": dtype, "float_data": np.dtype("<f4"), "double_data": np.dtype("<f8")}
    if homes.get(field) != dtype or len(values) % dtype.itemsize:
        return None
    if dtype.kind == "b":
        return np.frombuffer(values, np.uint8) != 0
    return np.frombuffer(values, dtype)


