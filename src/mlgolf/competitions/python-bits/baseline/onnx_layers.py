"""ONNX files by hand, as small as they can be."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def mlp(table, hidden, hidden_bias, output, output_bias, *, context, window):
    """Logits by one hidden layer on the embeddings of the last `context` of `window` characters.

    Args: as of torch: table (characters, size), matrices (outputs, inputs), biases (outputs,).
    """
    constants = {
        "start": np.array([window - context]), "end": np.array([window]), "axis": np.array([1]),
        "flat": np.array([0, -1]), "table": table, "hidden": hidden.T.copy(),
        "hidden_bias": hidden_bias, "output": output.T.copy(), "output_bias": output_bias,
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["characters", "start", "end", "axis"], ["last"]),
        helper.make_node("Gather", ["table", "last"], ["embedded"]),
        helper.make_node("Reshape", ["embedded", "flat"], ["features"]),
        helper.make_node("Gemm", ["features", "hidden", "hidden_bias"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["rectified"]),
        helper.make_node("Gemm", ["rectified", "output", "output_bias"], ["logits"]),
    ]
    return model(nodes, constants, window)


def model(nodes, constants, window):
    """The bytes of a file with these nodes, from "characters" (batch, window) to "logits"."""
    graph = helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("characters", TensorProto.INT32, ["batch", window])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()
