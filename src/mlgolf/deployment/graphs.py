"""Changes to the graph of a model: more outputs, other nodes."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any


def with_outputs(model: Any, names: Sequence[str]) -> Any:
    """A copy that gives these values, too."""
    from onnx import ValueInfoProto

    changed = copy.deepcopy(model)
    there = {one.name for one in changed.graph.output}
    changed.graph.output.extend(ValueInfoProto(name=name) for name in names if name not in there)
    return changed


def with_names(model: Any) -> Any:
    """Every node has a name of its own: tools speak of nodes by their names."""
    taken: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{number}"
        taken.add(node.name)
    return model


def float_values(model: Any) -> dict[str, str]:
    """Values that nodes make -> the operator, where shape inference finds floats; in order."""
    from onnx import TensorProto, shape_inference

    inferred = shape_inference.infer_shapes(model)
    floats = {
        value.name for value in [*inferred.graph.value_info, *inferred.graph.output]
        if value.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
    }
    return {
        name: node.op_type for node in model.graph.node for name in node.output
        if name in floats and node.op_type not in ("Constant", "DequantizeLinear")
    }


def ranks(model: Any) -> dict[str, int]:
    """Value -> number of axes, where it is known."""
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model)
    graph = inferred.graph
    found = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*graph.value_info, *graph.input, *graph.output]
        if value.type.tensor_type.HasField("shape")
    }
    return found | {tensor.name: len(tensor.dims) for tensor in graph.initializer}


def transposed_before(model: Any, place: int, order: Sequence[int]) -> Any:
    """A copy in which the first input of a node is transposed first."""
    from onnx import helper

    changed = copy.deepcopy(model)
    node = changed.graph.node[place]
    made = f"{node.input[0]}_in_order"
    turn = helper.make_node("Transpose", [node.input[0]], [made], perm=list(order))
    node.input[0] = made
    changed.graph.node.insert(place, turn)
    return changed


def with_attribute(model: Any, place: int, name: str, value: Any) -> Any:
    """A copy with this attribute of a node."""
    from onnx import helper

    changed = copy.deepcopy(model)
    node = changed.graph.node[place]
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
    return changed


def with_constant(model: Any, name: str, array: Any) -> Any:
    """A copy with another array for an initializer."""
    from onnx.numpy_helper import from_array

    changed = copy.deepcopy(model)
    for tensor in changed.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(from_array(array, name))
    return changed


def inferring(model: Any, places: Iterable[int]) -> Any:
    """A copy in which these nodes no longer train: dropout passes on, batch norm has its averages.

    What draws random numbers is left as it is.
    """
    from onnx import helper

    changed = copy.deepcopy(model)
    for place in places:
        node = changed.graph.node[place]
        if node.op_type == "Dropout":
            node.CopyFrom(helper.make_node("Identity", [node.input[0]], [node.output[0]]))
        elif node.op_type == "BatchNormalization":
            kept = [a for a in node.attribute if a.name != "training_mode"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("training_mode", 0)])
            del node.output[1:]
    return changed
