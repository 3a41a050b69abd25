"""What the file of a model says: whether it is one, layers in training mode, types, its size."""

from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.errors import DeploymentError, FrameworkMissing

RANDOM = {
    "Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
    "Multinomial",
}  # fmt: skip
LOOPS = {"Loop", "Scan", "If"}
EIGHT_BITS = {
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
    "ConvInteger", "MatMulInteger",
}  # fmt: skip
_FLOAT16, _DOUBLE = 10, 11  # of TensorProto


def inspect(model: str) -> dict[str, Any]:
    """Facts about a file. Raises: DeploymentError for a file that is no ONNX model."""
    found = load(Path(model))
    nodes = list(found.graph.node)
    kinds = [node.op_type for node in nodes]
    weights = list(found.graph.initializer)
    doubles = [w.name for w in weights if w.data_type == _DOUBLE]
    doubles += [
        node.name or node.output[0] for node in nodes
        if node.op_type == "Cast" and attribute(node, "to", 0) == _DOUBLE
    ]
    return {
        "nodes": len(nodes), "opset": opset(found),
        "training": training_layers(found), "doubles": doubles[:5],
        "loops": [label(node) for node in nodes if node.op_type in LOOPS],
        "precision": "8 bits" if EIGHT_BITS & set(kinds)
        else "float16" if any(w.data_type == _FLOAT16 for w in weights) else "float32",
        "outputs": [one.name for one in found.graph.output],
        "named": [[node.name, node.op_type, list(node.output)] for node in nodes],
        "bytes": file_bytes(Path(model), found),
    }  # fmt: skip


def load(path: Path, *, with_data: bool = False) -> Any:
    """The model as onnx has it. Raises: DeploymentError."""
    try:
        import onnx
    except ImportError:
        raise FrameworkMissing("golf", "onnx") from None
    from google.protobuf.message import DecodeError

    try:
        start = path.open("rb").read(4)
        found = onnx.load(str(path), load_external_data=with_data)
    except DecodeError:
        raise DeploymentError(f"{path}: this is no ONNX file{_kind(start)}") from None
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror or error}") from None
    if not found.graph.node:
        raise DeploymentError(f"{path}: this is no ONNX file, or one without any operator"
                              f"{_kind(start)}")  # fmt: skip
    return found


def _kind(start: bytes) -> str:
    if start.startswith(b"PK"):
        return (
            ": it is a zip archive, as torch.save and numpy write. Export the model: "
            "torch.onnx.export(network, inputs, 'model.onnx')"
        )
    return ". Write it by torch.onnx.export or jax2onnx.to_onnx"


def opset(model: Any) -> int:
    """Its version of the standard operators."""
    return max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")),
               default=0)  # fmt: skip


def label(node: Any) -> str:
    return f"{node.op_type} {node.name or (node.output[0] if node.output else '')!r}"


def attribute(node: Any, name: str, default: Any) -> Any:
    from onnx.helper import get_attribute_value

    return next((get_attribute_value(a) for a in node.attribute if a.name == name), default)


def training_layers(model: Any) -> list[str]:
    """Dropout and batch norm that train, and what draws random numbers."""
    return [label(node) for node in model.graph.node if is_training(model, node)]


def is_training(model: Any, node: Any) -> bool:
    if node.op_type in RANDOM:
        return True
    if node.op_type == "BatchNormalization":
        return bool(attribute(node, "training_mode", 0))
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        value = constant(model, node.input[2])
        ratio = constant(model, node.input[1]) if node.input[1] else np.float32(0.5)
        return bool(value is not None and value) and not (ratio is not None and ratio == 0)
    return False


def constant(model: Any, name: str) -> Any:
    """The array of this name, if the file has it."""
    from onnx.numpy_helper import to_array

    for tensor in model.graph.initializer:
        if tensor.name == name:
            return to_array(tensor)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] == name:
            held = attribute(node, "value", None)
            return None if held is None else to_array(held)
    return None


def file_bytes(path: Path, model: Any) -> int:
    """Of the file, and of those beside it that hold its tensors."""
    beside = {
        entry.value for tensor in model.graph.initializer for entry in tensor.external_data
        if entry.key == "location"
    }
    parts = [path, *(path.parent / name for name in beside)]
    return sum(part.stat().st_size for part in parts if part.exists())
