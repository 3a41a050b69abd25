"""The code of a model: its length in bits is the first part of a two-part code.

`canonical` writes down all of a model and nothing else, and `decode` is its inverse: the model that
runs is decoded from the code that is scored, so nothing that acts is free. The rules behind it:

- A value is named by how far back it was made, operators and attributes by their place in the
  lists of `operators.py`. Shapes of inputs and the number of classes are the host's: no bits.
- The numbers of constants are laid out as `measures/compression.py` says.
- Equal constants are written once. Where a constant stood in the file does not matter.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.measures.compression import Written, compress, read_numbers, written_numbers
from mlgolf.measures.onnx_models.graph import Model, Node
from mlgolf.measures.onnx_models.operators import ATTRIBUTES, OPERATORS, TENSOR_TYPES
from mlgolf.measures.onnx_models.protobuf import read_varint, varint

_TYPE_NUMBERS = {text: number for number, text in TENSOR_TYPES.items()}
_OPERATOR_NUMBERS = {name: number for number, name in enumerate(OPERATORS, 1)}
_ATTRIBUTE_NUMBERS = {name: number for number, name in enumerate(ATTRIBUTES)}
_ATTRIBUTE_NAMES = tuple(ATTRIBUTES)
# By how much a rewrite that keeps the function may shorten the code of random weights: a compressor
# finds one order of the same numbers a little more regular than another. In 4,000 rewrites of
# models of up to 1.5 million bits the most was 104 bits, of sparse ones 560. What is saved beyond
# this is a better description of the model, which a player is free to find.
SLACK_BITS = 1024


def code_bits(model: Model) -> int:
    """Bits of the compressed model, with the byte that names the compressor."""
    return 8 * len(compress(canonical(model)))


def canonical(model: Model) -> bytes:
    """All of a model as bytes: its steps, then the numbers of its constants."""
    parts = [varint(model.opset), varint(model.num_inputs), varint(len(model.steps))]
    following = model.num_inputs + 1  # the number of the next value
    written: list[Written] = []

    def reference(number: int) -> bytes:
        return varint(following - number if number else 0)

    for step in model.steps:
        if isinstance(step, np.ndarray):
            written.append(Written.of(step))
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
    return b"".join(parts) + written_numbers(written, TENSOR_TYPES.values())


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
    constants = [s for s in steps if isinstance(s, np.ndarray)]
    read_numbers(read.take, constants, layouts, TENSOR_TYPES.values())
    return model


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
