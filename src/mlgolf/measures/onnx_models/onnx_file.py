"""A model as an ONNX file that a runtime reads: written anew, with names of our own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlgolf.measures.onnx_models.graph import Model, Node
from mlgolf.measures.onnx_models.operators import ATTRIBUTES, IDENTITY, TENSOR_TYPES
from mlgolf.measures.onnx_models.protobuf import field, varint

OUTPUT = "logits"
_IR_VERSION = 10
_TYPE_NUMBERS = {np.dtype(text): number for number, text in TENSOR_TYPES.items()}
# Kind of an attribute -> its field and its type in AttributeProto.
_ATTRIBUTE_FIELDS = {
    "f": (2, 1), "i": (3, 2), "s": (4, 3), "t": (5, 4), "floats": (7, 6), "ints": (8, 7),
    "strings": (9, 8),
}  # fmt: skip


class Input(NamedTuple):
    """What the host hands to a model: arrays of this type and shape, after the batch axis."""

    dtype: str  # "float32", …
    shape: tuple[int, ...]


def value_name(number: int) -> str:
    return f"v{number}" if number else ""


def onnx_file(model: Model, inputs: Sequence[Input]) -> bytes:
    """An ONNX file with inputs v1, v2 … and one float32 output, OUTPUT."""
    graph = [field(2, b"model")]
    constants: dict[int, bytes] = {}
    following = model.num_inputs + 1
    for step in model.steps:
        if isinstance(step, np.ndarray):
            constants[following] = _tensor(step)
            name = field(8, value_name(following).encode())
            graph.append(field(5, constants[following] + name))
            following += 1
        else:
            outputs = range(following, following + step.num_outputs)
            graph.append(field(1, _node(step, map(value_name, outputs), constants)))
            following += step.num_outputs
    # An input or a constant cannot be the output of a graph as it stands.
    graph.append(field(1, _node(Node(IDENTITY, (model.output,), 1, ()), [OUTPUT], constants)))
    for number, given in enumerate(inputs, 1):
        shape = [field(1, field(2, b"batch")), *(field(1, field(1, d)) for d in given.shape)]
        graph.append(field(11, _value(value_name(number), given.dtype, shape)))
    graph.append(field(12, _value(OUTPUT, "float32", None)))
    opset = field(1, b"") + field(2, model.opset)
    return field(1, _IR_VERSION) + field(8, opset) + field(7, b"".join(graph))


def _node(node: Node, outputs: Iterable[str], constants: Mapping[int, bytes]) -> bytes:
    parts = [field(1, value_name(number).encode()) for number in node.inputs]
    parts += [field(2, name.encode()) for name in outputs]
    parts.append(field(4, node.operator.encode()))
    for name, value in node.attributes:
        number, kind = _ATTRIBUTE_FIELDS[ATTRIBUTES[name]]
        attribute = [field(1, name.encode()), field(20, kind)]
        held: Any = value
        attribute += _attribute(number, constants[held] if kind == 4 else held)
        parts.append(field(5, b"".join(attribute)))
    return b"".join(parts)


def _attribute(number: int, value: Any) -> list[bytes]:
    """The fields of AttributeProto that hold a value."""
    match number:
        case 2:
            return [varint(number << 3 | 5) + value]  # four bytes, without their length
        case 8:
            return [field(number, b"".join(map(varint, value)))]
        case 9:
            return [field(number, text) for text in value]
        case _:
            return [field(number, value)]


def _tensor(array: NDArray) -> bytes:
    dims = b"".join(field(1, d) for d in array.shape)
    return dims + field(2, _TYPE_NUMBERS[array.dtype]) + field(9, array.tobytes())


def _value(name: str, dtype: str, shape: list[bytes] | None) -> bytes:
    """ValueInfoProto of a tensor; without a shape, the runtime finds it."""
    tensor = field(1, _TYPE_NUMBERS[np.dtype(dtype)])
    if shape is not None:
        tensor += field(2, b"".join(shape))
    return field(1, name.encode()) + field(2, field(1, tensor))
