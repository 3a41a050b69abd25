"""Small ONNX files for tests, and rewrites of them that keep the function."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import helper, numpy_helper

FEATURES, CLASSES = 12, 5


def array(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) * 0.3).astype(np.float32)


def file_of(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    *,
    output: str = "y",
    opset: int = 20,
    shape: Sequence[int | str] = ("batch", FEATURES),
) -> onnx.ModelProto:
    """A model with one float32 input, "x"."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, ("batch", CLASSES))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def network(rng: np.random.Generator, widths: Sequence[int] = (16,)) -> onnx.ModelProto:
    """A perceptron with random weights, as an exporter would write it."""
    nodes, constants, before = [], {}, "x"
    sizes = (FEATURES, *widths, CLASSES)
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        constants[f"w{layer}"] = array(rng, fan_in, fan_out)
        constants[f"b{layer}"] = array(rng, fan_out)
        last = layer == len(widths)
        after = "y" if last else f"h{layer}"
        nodes.append(helper.make_node("MatMul", [before, f"w{layer}"], [f"m{layer}"]))
        nodes.append(
            helper.make_node("Add", [f"m{layer}", f"b{layer}"], [after if last else f"a{layer}"])
        )
        if not last:
            kind = str(rng.choice(["Relu", "Tanh", "Sigmoid", "LeakyRelu"]))
            alpha = {"alpha": 0.125} if kind == "LeakyRelu" else {}
            nodes.append(helper.make_node(kind, [f"a{layer}"], [after], **alpha))
        before = after
    return file_of(nodes, constants)


def copy(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(model.SerializeToString())


Rewrite = Callable[[onnx.ModelProto, np.random.Generator], None]  # in place


def _weights(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Nodes that multiply by an initializer."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in stored]


def _stored(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def _fresh(model: onnx.ModelProto) -> str:
    return f"fresh{len(model.graph.node)}_{len(model.graph.initializer)}"


def _between(model: onnx.ModelProto, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> None:
    """Put nodes right before the one that uses what they make."""
    place = list(model.graph.node).index(node)
    for extra in reversed(nodes):
        model.graph.node.insert(place, extra)


def rename(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Names of all inner values and nodes, long ones that could store something."""
    names = {out: rng.bytes(40).hex() for node in model.graph.node for out in node.output}
    names |= {tensor.name: rng.bytes(40).hex() for tensor in model.graph.initializer}
    for node in model.graph.node:
        node.name = rng.bytes(20).hex()
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.initializer, *model.graph.output):
        value.name = names.get(value.name, value.name)


def document(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Doc strings, metadata and types of inner values, wherever there is room for them."""
    model.doc_string = model.producer_name = model.graph.doc_string = rng.bytes(100).hex()
    helper.set_model_props(model, {"labels": rng.bytes(1000).hex()})
    for node in model.graph.node:
        node.doc_string = rng.bytes(50).hex()
        for value in node.output:
            info = helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None)
            info.doc_string = rng.bytes(30).hex()
            if value != model.graph.output[0].name:
                model.graph.value_info.append(info)
    for tensor in model.graph.initializer:
        tensor.doc_string = rng.bytes(50).hex()


def reorder(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Initializers and nodes in another order, of nodes also one that is not topological."""
    for field in (model.graph.initializer, model.graph.node):
        shuffled = [field[i] for i in rng.permutation(len(field))]
        kept = [type(entry).FromString(entry.SerializeToString()) for entry in shuffled]
        del field[:]
        field.extend(kept)


def to_constant_node(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """An initializer as the attribute of a Constant node."""
    if model.graph.initializer:
        place = int(rng.integers(len(model.graph.initializer)))
        tensor = model.graph.initializer[place]
        node = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, node)
        del model.graph.initializer[place]


def to_numbers(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A tensor's numbers in the field of their type instead of raw bytes."""
    if model.graph.initializer:
        tensor = model.graph.initializer[int(rng.integers(len(model.graph.initializer)))]
        values = numpy_helper.to_array(tensor)
        tensor.CopyFrom(
            helper.make_tensor(tensor.name, tensor.data_type, values.shape, values.ravel())
        )


def add_identity(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    node = model.graph.node[int(rng.integers(len(model.graph.node)))]
    if node.input:
        name = _fresh(model)
        extra = helper.make_node("Identity", [node.input[0]], [name])
        _between(model, node, [extra])
        node.input[0] = name


def add_dead_parts(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Nodes and numbers that nothing uses."""
    name = _fresh(model)
    unused = array(rng, FEATURES, 30)
    model.graph.initializer.append(numpy_helper.from_array(unused, name))
    model.graph.node.append(helper.make_node("MatMul", ["x", name], [name + "_out"]))


def add_identity_layer(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A multiplication by the unit matrix."""
    for node in _weights(model)[:1]:
        name = _fresh(model)
        size = _stored(model, node.input[1]).dims[0]
        model.graph.initializer.append(numpy_helper.from_array(np.eye(size, dtype="f4"), name))
        _between(model, node, [helper.make_node("MatMul", [node.input[0], name], [name + "_out"])])
        node.input[0] = name + "_out"


def split(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A matrix as the product of two."""
    for node in _weights(model)[:1]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        matrix = numpy_helper.to_array(tensor)
        basis, _ = np.linalg.qr(rng.standard_normal((matrix.shape[0],) * 2))
        rest = (basis.T @ matrix).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(rest, tensor.name))
        model.graph.initializer.append(numpy_helper.from_array(basis.astype("f4"), name))
        _between(model, node, [helper.make_node("MatMul", [node.input[0], name], [name + "_out"])])
        node.input[0] = name + "_out"


def transpose(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A matrix stored transposed."""
    for node in _weights(model)[-1:]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        turned = np.ascontiguousarray(numpy_helper.to_array(tensor).T)
        tensor.CopyFrom(numpy_helper.from_array(turned, tensor.name))
        _between(model, node, [helper.make_node("Transpose", [tensor.name], [name], perm=[1, 0])])
        node.input[1] = name


def reshape_there_and_back(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    for node in _weights(model)[:1]:
        name, size = _fresh(model), _stored(model, node.input[1]).dims[0]
        for suffix, shape in (("_there", [-1, size, 1]), ("_back", [-1, size])):
            model.graph.initializer.append(
                numpy_helper.from_array(np.array(shape, np.int64), name + suffix)
            )
        there = helper.make_node("Reshape", [node.input[0], name + "_there"], [name + "_3d"])
        back = helper.make_node("Reshape", [name + "_3d", name + "_back"], [name])
        _between(model, node, [there, back])
        node.input[0] = name


def pad_with_zeros(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A matrix with more rows, for features that are padded with zeros."""
    for node in _weights(model)[:1]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        wider = np.pad(numpy_helper.to_array(tensor), ((0, 3), (0, 0)))
        tensor.CopyFrom(numpy_helper.from_array(wider, tensor.name))
        pads = numpy_helper.from_array(np.array([0, 0, 0, 3], np.int64), name + "_pads")
        model.graph.initializer.append(pads)
        _between(model, node, [helper.make_node("Pad", [node.input[0], pads.name], [name])])
        node.input[0] = name


def permute_hidden(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """The columns of a matrix in another order, put right by a Gather."""
    for node in _weights(model)[-1:]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        matrix = numpy_helper.to_array(tensor)
        order = rng.permutation(matrix.shape[0])
        tensor.CopyFrom(numpy_helper.from_array(matrix[order], tensor.name))
        model.graph.initializer.append(numpy_helper.from_array(order.astype(np.int64), name))
        gather = helper.make_node("Gather", [node.input[0], name], [name + "_out"], axis=1)
        _between(model, node, [gather])
        node.input[0] = name + "_out"


def scale(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A matrix times a power of two, and what comes before it divided by that."""
    for node in _weights(model)[-1:]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        factor = np.float32(2.0 ** rng.integers(-20, 20))
        tensor.CopyFrom(
            numpy_helper.from_array(numpy_helper.to_array(tensor) * factor, tensor.name)
        )
        model.graph.initializer.append(numpy_helper.from_array(np.array(1 / factor), name))
        _between(model, node, [helper.make_node("Mul", [node.input[0], name], [name + "_out"])])
        node.input[0] = name + "_out"


def cut_in_two(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A matrix as two, joined by Concat."""
    for node in _weights(model)[:1]:
        name, tensor = _fresh(model), _stored(model, node.input[1])
        matrix = numpy_helper.to_array(tensor)
        at = int(rng.integers(matrix.shape[0] + 1))
        for part, suffix in ((matrix[:at], "_a"), (matrix[at:], "_b")):
            model.graph.initializer.append(numpy_helper.from_array(part.copy(), name + suffix))
        joined = helper.make_node("Concat", [name + "_a", name + "_b"], [name], axis=0)
        _between(model, node, [joined])
        node.input[1] = name


# Those that change nothing that counts, and those that change the graph but not its function.
SAME_GRAPH: tuple[Rewrite, ...] = (
    rename, document, reorder, to_constant_node, to_numbers, add_identity, add_dead_parts,
)  # fmt: skip
SAME_FUNCTION: tuple[Rewrite, ...] = (
    add_identity_layer, split, transpose, reshape_there_and_back, pad_with_zeros, permute_hidden,
    scale, cut_in_two,
)  # fmt: skip
