"""Small ONNX files that a test writes in a moment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

FEATURES, CLASSES = 6, 3
WEIGHTS = np.random.default_rng(0).standard_normal((FEATURES, CLASSES)).astype("f4")


def inputs(examples: int = 60) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((examples, FEATURES)).astype("f4")


def linear(file: Path, weights: NDArray = WEIGHTS, extra: Sequence[Any] = ()) -> Path:
    """logits = relu(x) W, and what `extra` makes of them: nodes from "hidden" to "logits"."""
    nodes = [
        helper.make_node("Relu", ["x"], ["positive"], name="relu"),
        helper.make_node("MatMul", ["positive", "w"], ["hidden"], name="product"),
        *(extra or [helper.make_node("Identity", ["hidden"], ["logits"], name="last")]),
    ]
    graph = helper.make_graph(
        nodes, "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(np.asarray(weights, "f4"), "w")],
    )
    opset = helper.make_opsetid("", 20)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=10), str(file))
    return file


def logits(x: NDArray, weights: NDArray = WEIGHTS) -> NDArray[np.float32]:
    return np.maximum(x, 0) @ weights
