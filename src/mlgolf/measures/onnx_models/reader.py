"""Reading an ONNX file that may be hostile.

What the output does not depend on is not kept: names, doc strings, metadata, producers, types of
intermediate values, nodes and initializers that nothing uses. So all that is kept can be counted,
and two files that differ in the rest alone give equal models.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError, did_you_mean
from mlgolf.core.text import enumerated
from mlgolf.measures.onnx_models import protobuf
from mlgolf.measures.onnx_models.graph import Attribute, Draft, Model, NamedNode
from mlgolf.measures.onnx_models.operators import (
    ATTRIBUTES,
    CONSTANT,
    FLAGS,
    IDENTITY,
    MAY_BE_NEGATIVE,
    OPERATORS,
    OPSETS,
    TENSOR_TYPES,
    TYPE_ATTRIBUTES,
)
from mlgolf.measures.onnx_models.protobuf import Reader, Unreadable
from mlgolf.measures.onnx_models.tensors import TYPE_NAMES, read_tensor, shown

MAX_NODES, MAX_INTS = 10_000, 64  # of a model; of an attribute, which has a few for each axis


def read_model(data: bytes, *, max_bytes: int) -> Model:
    """The graph in an ONNX file, checked. Time and memory grow with the file's size at most.

    Raises: ModelError, naming what is not allowed, what is, and what to do; also for damaged files.
    """
    if len(data) > max_bytes:
        raise ModelError(f"the model has {len(data)} bytes; at most {max_bytes} are allowed")
    reader = Reader()
    try:
        model = reader.read(memoryview(data), protobuf.MODEL, "the model")
    except Unreadable as error:
        raise ModelError(
            f"this is no ONNX file ({error}). Give a ModelProto, or what its SerializeToString() "
            "returns"
        ) from None
    opset = _opset(reader, model.get("opset_import", []))
    if "graph" not in model:
        raise ModelError("the model has no graph; export it again")
    graph = reader.read(model["graph"], protobuf.GRAPH, "the graph")
    draft = Draft()
    for place, message in enumerate(graph.get("initializer", [])):
        draft.add_constant(*read_tensor(reader, message, f"initializer {place}"))
    for message in graph.get("input", []):
        name = _name(reader, message, "input")
        if not draft.is_constant(name):  # initializers may be listed among the inputs
            draft.add_input(name)
    nodes = graph.get("node", [])
    if len(nodes) > MAX_NODES:
        raise ModelError(f"the model has {len(nodes)} nodes; at most {MAX_NODES} are allowed")
    for message in nodes:
        _read_node(draft, reader, message)
    outputs = [_name(reader, message, "output") for message in graph.get("output", [])]
    if len(outputs) != 1:
        raise ModelError(f"the model has {len(outputs)} outputs; give one: the logits")
    return draft.model(opset, outputs[0])


def _opset(reader: Reader, imports: list[memoryview]) -> int:
    versions = []
    for message in imports:
        found = reader.read(message, protobuf.OPSET, "opset_import")
        if _is_standard(found.get("domain", b"")):  # another matters only if a node is of it
            versions.append(found.get("version", 0))
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise ModelError(
            f"the model's version of the standard operators (opset) is "
            f"{enumerated(versions) or 'not given'}; allowed is one of {OPSETS[0]} to "
            f"{OPSETS[-1]}. Export it for one of these, or convert it: "
            "onnx.version_converter.convert_version"
        )
    return versions[0]


def _is_standard(domain: bytes | memoryview) -> bool:
    return bytes(domain) in (b"", b"ai.onnx")


def _name(reader: Reader, message: memoryview, kind: str) -> bytes:
    """Of a graph's input or output. It is a plain tensor; of what shape is the host's to say."""
    found = reader.read(message, protobuf.VALUE, f"an {kind}")
    name = bytes(found.get("name", b""))
    reader.read(found.get("type", memoryview(b"")), protobuf.TYPE, f"the {kind} {shown(name)}")
    return name


def _read_node(draft: Draft, reader: Reader, message: memoryview) -> None:
    """Constants and identities leave no node behind."""
    found = reader.read(message, protobuf.NODE, "a node")
    inputs, outputs = _names(found.get("input", [])), _names(found.get("output", []))
    name = bytes(found.get("name", b"")) or b"".join(outputs[:1])
    operator = bytes(found.get("op_type", b""))
    where = f"node {shown(name)} ({shown(operator)})"
    if not _is_standard(found.get("domain", b"")):
        raise ModelError(
            f"{where} is of the domain {shown(bytes(found['domain']))}; only standard operators "
            "(ai.onnx) are allowed. Write it out in these, or inline functions: "
            "onnx.inliner.inline_local_functions"
        )
    allowed = (CONSTANT, IDENTITY, *OPERATORS)
    if operator.decode(errors="replace") not in allowed:
        near = did_you_mean(operator.decode(errors="replace")[:60], allowed)
        raise ModelError(
            f"{where} is not allowed. {near}Allowed are {len(allowed)} operators on tensors "
            "without randomness, state or subgraphs: docs/games.md lists them"
        )
    if not outputs:
        raise ModelError(f"{where} has no output; remove it")
    fields = _attribute_fields(reader, found.get("attribute", []), where)
    match operator.decode():
        case "Constant" if not inputs and len(outputs) == 1:
            draft.add_constant(outputs[0], _constant(reader, fields, where))
        case "Identity" if len(inputs) == len(outputs) == 1 and not fields:
            draft.add_alias(outputs[0], inputs[0])
        case "Constant" | "Identity":
            raise ModelError(f"{where} has too many inputs, outputs or attributes")
        case standard:
            attributes = _attributes(reader, fields, where)
            if attributes.get("num_outputs", len(outputs)) != len(outputs):
                raise ModelError(f"{where} has {len(outputs)} outputs, not num_outputs")
            draft.add_node(NamedNode(where, standard, inputs, outputs, attributes))


def _names(messages: list[memoryview]) -> list[bytes]:
    """Of values. Those left out at the end are the same as none."""
    names = [bytes(name) for name in messages]
    while names and not names[-1]:
        names.pop()
    return names


def _attribute_fields(
    reader: Reader, messages: list[memoryview], where: str
) -> dict[str, dict[str, Any]]:
    """Attribute -> the fields of AttributeProto that hold its value; there should be one."""
    by_name = {}
    for message in messages:
        found = reader.read(message, protobuf.ATTRIBUTE, f"an attribute of {where}")
        name = bytes(found.get("name", b"")).decode(errors="replace")
        if name in by_name:
            raise ModelError(f"{where} has the attribute {name[:60]!a} twice; give it once")
        by_name[name] = {
            field: value
            for field, value in found.items()
            if field not in ("name", "doc_string", "type")
        }
    return by_name


def _constant(reader: Reader, fields: dict[str, dict[str, Any]], where: str) -> NDArray:
    """The tensor that a Constant node holds, in whichever attribute."""
    match list(fields.items()):
        case [("value", {"t": tensor})]:
            return read_tensor(reader, tensor, f"the value of {where}")[1]
        case [("value_float", {"f": number})]:
            return np.frombuffer(number, "<f4").reshape(())
        case [("value_int", {"i": number})]:
            return np.array(number, "<i8")
        case [("value_floats", {"floats": numbers})]:
            return np.frombuffer(numbers, "<f4")
        case [("value_ints", {"ints": numbers})]:
            return numbers
    raise ModelError(
        f"{where} has the attributes {shown(', '.join(fields).encode())}; a Constant has one of "
        "value (a plain tensor), value_float, value_floats, value_int, value_ints"
    )


def _attributes(
    reader: Reader, fields: dict[str, dict[str, Any]], where: str
) -> dict[str, Attribute | NDArray]:
    """Values of a node's attributes; a tensor as its array."""
    values: dict[str, Any] = {}
    for name, found in fields.items():
        if name not in ATTRIBUTES:
            near = did_you_mean(name[:60], ATTRIBUTES)
            raise ModelError(
                f"{where} has the attribute {name[:60]!a}, which no allowed operator has. {near}"
                "Leave it out"
            )
        kind = ATTRIBUTES[name]
        if set(found) - {kind} or (kind == "t" and not found):
            raise ModelError(
                f"{where}: the attribute {name!r} holds {enumerated(found) or 'nothing'}; it is "
                f"of the kind {kind!r} (AttributeProto). Write it by onnx.helper.make_node"
            )
        if kind == "ints" and len(found.get(kind, ())) > MAX_INTS:
            raise ModelError(
                f"{where}: {name} has {len(found[kind])} numbers; at most {MAX_INTS} are allowed. "
                "Store a table as an initializer"
            )
        if kind == "t":
            values[name] = read_tensor(reader, found["t"], f"{name!r} of {where}")[1]
        else:
            values[name] = _value(kind, found.get(kind))
        if name in TYPE_ATTRIBUTES and values[name] not in (0, *TENSOR_TYPES):  # 0: not given
            raise ModelError(
                f"{where}: {name}={values[name]} is a type of tensor that is not allowed; allowed "
                f"are {TYPE_NAMES}"
            )
        if kind in ("i", "ints"):
            _check_range(name, values[name], where)
    if values.get("training_mode"):
        raise ModelError(f"{where} is in training mode; export the model in evaluation mode")
    return values


def _check_range(name: str, value: int | tuple[int, ...], where: str) -> None:
    least = -(2**31) if name in MAY_BE_NEGATIVE else 0
    most = 1 if name in FLAGS else 2**31 - 1
    for number in (value,) if isinstance(value, int) else value:
        if not least <= number <= most:
            raise ModelError(f"{where}: {name}={value}; allowed is {least} to {most}")


def _value(kind: str, found: Any) -> Attribute:
    """As graph.Attribute has it; what is not given is zero or empty, as in protocol buffers."""
    match kind:
        case "i":
            return found or 0
        case "f":
            return bytes(found or 4)
        case "ints":
            return () if found is None else tuple(found.tolist())
        case "strings":
            return tuple(bytes(text) for text in found or ())
        case _:
            return bytes(found or b"")
