"""The code of a model: its length in bits is the first part of a two-part code.

`canonical` writes down all of a model and nothing else, and `decode` is its inverse: the model that
runs is decoded from the code that is scored, so nothing that acts is free. The rules behind it:

- A value is named by how far back it was made, operators and attributes by their place in the
  lists of `operators.py`. Shapes of inputs and the number of classes are the host's: no bits.
- The numbers of all constants of a type stand together, constant after constant, as planes: the
  high bytes of all, then their next bytes, and so on. Signs and exponents compress, digits do not.
- A constant of at most 256 different numbers is written as these and a byte for each place; else
  one with many zeros as its other numbers and a byte for each place, where that is shorter. So
  weights of few bits, and sparse ones, cost the same by whatever scale they are multiplied.
- Equal constants are written once. Where a constant stood in the file does not matter.

`compress` gives the shortest of a fixed set of codes. Their lengths are those of the libraries that
Python was built with (zlib, bzip2, liblzma), which other machines may have in other versions.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlgolf.measures.onnx_models.graph import Model, Node
from mlgolf.measures.onnx_models.operators import ATTRIBUTES, OPERATORS, TENSOR_TYPES
from mlgolf.measures.onnx_models.protobuf import read_varint, varint

_LZMA_FILTERS = [
    {
        "id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "lc": 0, "lp": 0, "pb": 0,
        "mode": lzma.MODE_NORMAL, "mf": lzma.MF_HC4, "nice_len": 273, "depth": 32,
    }
]  # fmt: skip
_TYPE_NUMBERS = {text: number for number, text in TENSOR_TYPES.items()}
_OPERATOR_NUMBERS = {name: number for number, name in enumerate(OPERATORS, 1)}
_ATTRIBUTE_NUMBERS = {name: number for number, name in enumerate(ATTRIBUTES)}
_ATTRIBUTE_NAMES = tuple(ATTRIBUTES)
# By how much a rewrite that keeps the function may shorten the code of random weights: a compressor
# finds one order of the same numbers a little more regular than another. In 4,000 rewrites of
# models of up to 1.5 million bits the most was 104 bits, of sparse ones 560. What is saved beyond
# this is a better description of the model, which a player is free to find.
SLACK_BITS = 1024
SMALL = 1 << 19  # bytes. Above this, matches are left to bzip2: LZMA takes 10 s for 10 MB


def code_bits(model: Model) -> int:
    """Bits of the compressed model, with the byte that names the compressor."""
    return 8 * len(compress(canonical(model)))


def compress(code: bytes) -> bytes:
    """The shortest of: a byte that names the method, and what the method makes of the code.

    0 as it is; 1 raw deflate (zlib, level 9), by Huffman codes alone or with matches; 2 bzip2
    (level 9); 3 raw LZMA2 with _LZMA_FILTERS.
    """
    found = [
        b"\0" + code, b"\1" + _deflate(code, zlib.Z_HUFFMAN_ONLY), b"\2" + bz2.compress(code)
    ]  # fmt: skip
    if len(code) <= SMALL:
        found.append(b"\1" + _deflate(code, zlib.Z_DEFAULT_STRATEGY))
        found.append(b"\3" + lzma.compress(code, lzma.FORMAT_RAW, filters=_LZMA_FILTERS))
    return min(found, key=len)


def _deflate(code: bytes, strategy: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return compressor.compress(code) + compressor.flush()


def decompress(packed: bytes) -> bytes:
    """The inverse of compress."""
    match packed[0]:
        case 0:
            return packed[1:]
        case 1:
            return zlib.decompress(packed[1:], wbits=-15)
        case 2:
            return bz2.decompress(packed[1:])
        case _:
            return lzma.decompress(packed[1:], lzma.FORMAT_RAW, filters=_LZMA_FILTERS)


def canonical(model: Model) -> bytes:
    """All of a model as bytes: its steps, then the numbers of its constants."""
    parts = [varint(model.opset), varint(model.num_inputs), varint(len(model.steps))]
    following = model.num_inputs + 1  # the number of the next value
    written: list[_Written] = []

    def reference(number: int) -> bytes:
        return varint(following - number if number else 0)

    for step in model.steps:
        if isinstance(step, np.ndarray):
            written.append(_Written.of(step))
            parts += map(varint, (0, _TYPE_NUMBERS[step.dtype.str], step.ndim, *step.shape))
            parts.append(varint(written[-1].layout))
            following += 1
            continue
        parts += map(varint, (_OPERATOR_NUMBERS[step.operator], step.num_outputs, len(step.inputs)))
        parts += map(reference, step.inputs)
        parts.append(varint(len(step.attributes)))
        for name, value in step.attributes:
            parts.append(varint(_ATTRIBUTE_NUMBERS[name]))
            parts.append(_attribute(ATTRIBUTES[name], value, reference))
        following += step.num_outputs
    parts.append(reference(model.output))
    for dtype in map(np.dtype, TENSOR_TYPES.values()):
        parts.append(_planes([entry.numbers for entry in written if entry.numbers.dtype == dtype]))
    parts += [entry.places.tobytes() for entry in written]
    return b"".join(parts)


def _attribute(kind: str, value: Any, reference: Callable[[int], bytes]) -> bytes:
    match kind:
        case "t":
            return reference(value)
        case "i":
            return _signed(value)
        case "f":
            return value
        case "ints":
            return varint(len(value)) + b"".join(map(_signed, value))
        case "strings":
            return varint(len(value)) + b"".join(map(_text, value))
        case _:
            return _text(value)


def decode(code: bytes) -> Model:
    """The inverse of canonical."""
    read = _Cursor(code)
    opset, num_inputs, num_steps = read.number(), read.number(), read.number()
    following = num_inputs + 1

    def reference() -> int:
        distance = read.number()
        return following - distance if distance else 0

    steps: list[NDArray | Node] = []
    layouts: list[int] = []
    for _ in range(num_steps):
        operator = read.number()
        if not operator:
            dtype = np.dtype(TENSOR_TYPES[read.number()])
            steps.append(np.empty([read.number() for _ in range(read.number())], dtype))
            layouts.append(read.number())
            following += 1
            continue
        num_outputs = read.number()
        inputs = tuple(reference() for _ in range(read.number()))
        attributes = []
        for _ in range(read.number()):
            name = _ATTRIBUTE_NAMES[read.number()]
            match ATTRIBUTES[name]:
                case "t":
                    value = reference()
                case "i":
                    value = read.signed()
                case "f":
                    value = read.take(4)
                case "ints":
                    value = tuple(read.signed() for _ in range(read.number()))
                case "strings":
                    value = tuple(read.text() for _ in range(read.number()))
                case _:
                    value = read.text()
            attributes.append((name, value))
        steps.append(Node(OPERATORS[operator - 1], inputs, num_outputs, tuple(attributes)))
        following += num_outputs
    model = Model(opset, num_inputs, tuple(steps), reference())
    _read_constants(read, [s for s in steps if isinstance(s, np.ndarray)], layouts)
    return model


def _read_constants(read: "_Cursor", arrays: list[NDArray], layouts: list[int]) -> None:
    """Fill arrays with the numbers that the code holds for them."""
    sizes = [
        layout - _SPARSE if layout >= _SPARSE else layout or array.size
        for array, layout in zip(arrays, layouts, strict=True)
    ]
    numbers: dict[int, NDArray] = {}
    for dtype in map(np.dtype, TENSOR_TYPES.values()):
        mine = [n for n, array in enumerate(arrays) if array.dtype == dtype]
        total = sum(sizes[n] for n in mine)
        planes = np.frombuffer(read.take(total * dtype.itemsize), np.uint8)
        octets = np.ascontiguousarray(planes.reshape(dtype.itemsize, total)[::-1].T)
        flat = octets.reshape(-1).view(dtype)
        for n in mine:
            numbers[n], flat = flat[: sizes[n]], flat[sizes[n] :]
    for n, (array, layout) in enumerate(zip(arrays, layouts, strict=True)):
        if layout == _PLAIN:
            array[...] = numbers[n].reshape(array.shape)
            continue
        places = np.frombuffer(read.take(array.size), np.uint8).reshape(array.shape)
        if layout < _SPARSE:
            array[...] = numbers[n][places]
        else:
            array[...] = 0
            array[places == 1] = numbers[n]


# Layouts of a constant: all numbers; n different numbers; or _SPARSE + n, n that are not zero.
_PLAIN, _SPARSE = 0, 257


class _Written(NamedTuple):
    """A constant as it is written."""

    layout: int
    numbers: NDArray  # flat
    places: NDArray[np.uint8]  # which of the numbers stands there; or whether one does

    @classmethod
    def of(cls, array: NDArray) -> "_Written":
        size, itemsize = array.size, array.itemsize
        numbers = array.reshape(-1)
        patterns = numbers.view(f"u{itemsize}")  # so that -0.0 and each NaN are themselves
        if itemsize > 1 and len(np.unique(patterns[:1024])) < _SPARSE:
            different, places = np.unique(patterns, return_inverse=True)
            if len(different) < _SPARSE and len(different) * itemsize + size < size * itemsize:
                return cls(len(different), different.view(array.dtype), places.astype(np.uint8))
        used = patterns != 0
        num_used = int(np.count_nonzero(used))
        if itemsize > 1 and num_used * itemsize + size < size * itemsize:
            return cls(_SPARSE + num_used, numbers[used], used.astype(np.uint8))
        return cls(_PLAIN, numbers, np.zeros(0, np.uint8))


def _planes(arrays: list[NDArray]) -> bytes:
    """The high bytes of all numbers of a type, then their next bytes, and so on."""
    if not arrays:
        return b""
    numbers = np.concatenate(arrays)
    octets = numbers.view(np.uint8).reshape(numbers.size, numbers.itemsize)
    return octets[:, ::-1].T.tobytes()


def _signed(value: int) -> bytes:
    """0, -1, 1, -2, … as 0, 1, 2, 3, …: small numbers are short."""
    return varint(value << 1 ^ value >> 63)


def _text(text: bytes) -> bytes:
    return varint(len(text)) + text


class _Cursor:
    """Reads a code from its beginning."""

    def __init__(self, code: bytes) -> None:
        self._code, self._at = memoryview(code), 0

    def number(self) -> int:
        value, self._at = read_varint(self._code, self._at, "the code")
        return value

    def signed(self) -> int:
        value = self.number() & 2**64 - 1
        return value >> 1 ^ -(value & 1)

    def text(self) -> bytes:
        return self.take(self.number())

    def take(self, size: int) -> bytes:
        self._at += size
        return bytes(self._code[self._at - size : self._at])
