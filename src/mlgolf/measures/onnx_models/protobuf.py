"""ONNX files as bytes: a strict reader of their protocol buffers, and the little writer it needs.

The reader holds no copy of the data and stops at a fixed number of fields: five million empty nodes
are 10 MB in a file and 810 MB in the usual parser. A field that is not listed here is refused, so
nothing in a file goes unseen.

Source: onnx.proto of ONNX 1.23 (IR version 13); https://protobuf.dev/programming-guides/encoding
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError

MAX_FIELDS = 200_000  # in one file; half a second of reading
Schema = Mapping[int, tuple[str, str]]  # number -> name, kind

_WIRES = {"int": 0, "bytes": 2, "float": 5, "double": 1}
_SIZES = {1: 8, 5: 4}
_TO_DO = {
    "functions": "inline them: onnx.inliner.inline_local_functions",
    "external_data": "save all tensors inside the file",
    "sparse_initializer": "store the tensor densely",
    "sparse_tensor": "store the tensor densely",
    "g": "write the operators out: If, Loop and Scan are not allowed",
    "graphs": "write the operators out: If, Loop and Scan are not allowed",
    "ref_attr_name": "inline functions: onnx.inliner.inline_local_functions",
}


def _schema(*fields: str) -> Schema:
    """From "number name kind"; a kind with a star may repeat, and of "no" there may be none."""
    rows = [field.split() for field in fields]
    return {int(number): (name, kind) for number, name, kind in rows}


MODEL = _schema(
    "1 ir_version int", "2 producer_name bytes", "3 producer_version bytes", "4 domain bytes",
    "5 model_version int", "6 doc_string bytes", "7 graph bytes", "8 opset_import bytes*",
    "14 metadata_props bytes*", "20 training_info no", "25 functions no", "26 configuration no",
)  # fmt: skip
OPSET = _schema("1 domain bytes", "2 version int")
GRAPH = _schema(
    "1 node bytes*", "2 name bytes", "5 initializer bytes*", "10 doc_string bytes",
    "11 input bytes*", "12 output bytes*", "13 value_info bytes*",
    "14 quantization_annotation bytes*", "15 sparse_initializer no", "16 metadata_props bytes*",
)  # fmt: skip
NODE = _schema(
    "1 input bytes*", "2 output bytes*", "3 name bytes", "4 op_type bytes", "5 attribute bytes*",
    "6 doc_string bytes", "7 domain bytes", "8 overload bytes", "9 metadata_props bytes*",
    "10 device_configurations no",
)  # fmt: skip
ATTRIBUTE = _schema(
    "1 name bytes", "2 f float", "3 i int", "4 s bytes", "5 t bytes", "6 g no", "7 floats float*",
    "8 ints int*", "9 strings bytes*", "10 tensors no", "11 graphs no", "13 doc_string bytes",
    "14 tp no", "15 type_protos no", "20 type int", "21 ref_attr_name no", "22 sparse_tensor no",
    "23 sparse_tensors no",
)  # fmt: skip
TENSOR = _schema(
    "1 dims int*", "2 data_type int", "3 segment no", "4 float_data float*", "5 int32_data int*",
    "6 string_data no", "7 int64_data int*", "8 name bytes", "9 raw_data bytes",
    "10 double_data double*", "11 uint64_data int*", "12 doc_string bytes", "13 external_data no",
    "14 data_location int", "16 metadata_props bytes*",
)  # fmt: skip
VALUE = _schema("1 name bytes", "2 type bytes", "3 doc_string bytes", "4 metadata_props bytes*")
TYPE = _schema(
    "1 tensor_type bytes", "4 sequence_type no", "5 map_type no", "6 denotation bytes",
    "7 opaque_type no", "8 sparse_tensor_type no", "9 optional_type no",
)  # fmt: skip


class Unreadable(ModelError):
    """Bytes that are damaged, or that hold what no message of this kind holds."""


class Reader:
    """Reads the messages of one file, each once."""

    def __init__(self) -> None:
        self._num_fields = itertools.count(1)

    def read(self, message: memoryview, schema: Schema, where: str) -> dict[str, Any]:
        """Fields by name, of those that are there; `where` is what errors call the message.

        Returns: for each kind, int: int; bytes, float, double: memoryview (little-endian); bytes*:
          list of memoryviews; int*: (n,) int64; float*, double*: the numbers as bytes.
        Raises: Unreadable if the bytes are damaged, or hold what the schema does not list;
          ModelError for what it lists as not allowed.
        """
        found: dict[str, Any] = {}
        for number, wire, value in _fields(message, where):
            if next(self._num_fields) > MAX_FIELDS:
                raise ModelError(
                    f"the model has more than {MAX_FIELDS} fields. Use fewer nodes, and store "
                    "numbers in tensors with raw_data: onnx.numpy_helper.from_array"
                )
            name, kind = schema.get(number, (f"field {number}", "no"))
            if kind == "no":
                to_do = _TO_DO.get(name, "leave it out")
                refused = ModelError if number in schema else Unreadable
                raise refused(f"{where} has {name!r}, which is not allowed: {to_do}")
            many = kind.endswith("*")
            packed = many and wire == 2 and kind != "bytes*"
            if wire != _WIRES[kind.rstrip("*")] and not packed:
                raise Unreadable(f"{where}: {name!r} is damaged: it is stored as another type")
            if name in found and not many:
                raise ModelError(f"{where} has {name!r} twice; give it once")
            if many:
                found.setdefault(name, []).append(value)
            else:
                found[name] = value
        for name, kind in schema.values():
            if name in found and kind == "int*":
                found[name] = _integers(found[name], where)
            elif name in found and kind in ("float*", "double*"):
                found[name] = b"".join(found[name])
        return found


def _fields(message: memoryview, where: str) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field."""
    at = 0
    while at < len(message):
        tag, at = read_varint(message, at, where)
        wire = tag & 7
        if wire == 0:
            value, at = read_varint(message, at, where)
        else:
            if wire == 2:
                size, at = read_varint(message, at, where)
            elif wire in _SIZES:
                size = _SIZES[wire]
            else:
                raise Unreadable(f"{where} is damaged: no ONNX file has wire type {wire}")
            if not 0 <= size <= len(message) - at:
                raise Unreadable(f"{where} is damaged: it ends in the middle of a field")
            value, at = message[at : at + size], at + size
        yield tag >> 3, wire, value


def read_varint(message: memoryview, at: int, where: str) -> tuple[int, int]:
    """The signed 64-bit number that begins there, and where the next thing begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            raise Unreadable(f"{where} is damaged: it ends in the middle of a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            value &= 2**64 - 1
            return value - (value >> 63 << 64), at
    raise Unreadable(f"{where} is damaged: a number has more than 64 bits")


def _integers(parts: list[int | memoryview], where: str) -> NDArray[np.int64]:
    """Single numbers and packed runs of them, in order."""
    runs = [
        _unpacked(part, where) if isinstance(part, memoryview) else np.array([part], np.int64)
        for part in parts
    ]
    return np.concatenate(runs)


def _unpacked(packed: memoryview, where: str) -> NDArray[np.int64]:
    """All varints of a run at once: a run may be as long as the file."""
    octets = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(octets < 0x80) + 1
    starts = np.concatenate([[0], ends[:-1]])[: len(ends)]
    if octets.size and (not len(ends) or ends[-1] != octets.size or (ends - starts).max() > 10):
        raise Unreadable(f"{where} is damaged: it ends in the middle of a number")
    if not octets.size:
        return np.zeros(0, np.int64)
    place = np.arange(octets.size) - np.repeat(starts, ends - starts)
    bits = (octets & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, starts).view(np.int64)


def varint(value: int) -> bytes:
    """A number of at most 64 bits, 7 to a byte; a negative one as its two's complement."""
    value &= 2**64 - 1
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def field(number: int, value: int | bytes | memoryview) -> bytes:
    """A field as it stands in a file: a varint, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return b"".join((varint(number << 3 | 2), varint(len(value)), value))
