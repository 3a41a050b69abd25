"""Baseline: a table of which character follows which, as logarithms rounded to powers of two.

A number costs bits, so pairs that are rare share one value. It takes a second; the rest of the
budget is yours, and so are all characters but the last.
"""

import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def play(game):
    (window,), classes = game.task.inputs.shape, game.task.num_classes
    counts = np.zeros((classes, classes))  # how often each character follows each
    np.add.at(counts, (game.train["inputs"][:, -1], game.train["targets"]), 1)
    tables = [
        np.round(np.log2(np.where(counts >= least, counts, 0) + prior)).astype(np.float32)
        for least in (1, 2, 4, 8) for prior in (0.01, 0.02, 0.05, 0.1)
    ]
    best = min(tables, key=lambda table: bits(table, counts))
    game.submit(model(best * np.float32(np.log(2)), window))


def bits(table, counts):
    """About what the table and the labels take."""
    log2_p = table - np.log2(np.exp2(table).sum(axis=1, keepdims=True))
    return 8 * len(zlib.compress(table.astype(np.int8).tobytes(), 9)) - (counts * log2_p).sum()


def model(table, window):
    """Logits by the last of `window` characters: its row of the table."""
    constants = {"last": np.array(window - 1), "table": table}
    nodes = [
        helper.make_node("Gather", ["characters", "last"], ["character"], axis=1),
        helper.make_node("Gather", ["table", "character"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes, "bigrams",
        [helper.make_tensor_value_info("characters", TensorProto.INT32, ["batch", window])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(table)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
