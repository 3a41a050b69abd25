"""Which character follows which: a table of rounded log counts, by numpy alone.

Of each pair of characters it stores how often it occurs, as a power of two; pairs that never do
share one value, which costs next to nothing.
"""

import zlib

import numpy as np
import onnx_layers
from onnx import helper


def play(game):
    last, targets = game.train["inputs"][:, -1], game.train["targets"]
    classes = game.task.num_classes
    counts = np.zeros((classes, classes))
    np.add.at(counts, (last, targets), 1)
    tables = [
        np.round(np.log2(np.where(counts >= least, counts, 0) + prior)).astype(np.float32)
        for least in (1, 2, 4, 8) for prior in (0.01, 0.02, 0.05, 0.1)
    ]  # fmt: skip
    best = min(tables, key=lambda table: bits(table, counts))
    game.submit(bigrams(best * np.float32(np.log(2)), game.task.inputs.shape[0]))


def bits(table, counts):
    """About what the table and the labels take."""
    log2_p = table - np.log2(np.exp2(table).sum(axis=1, keepdims=True))
    return 8 * len(zlib.compress(table.astype(np.int8).tobytes(), 9)) - (counts * log2_p).sum()


def bigrams(table, window):
    """Logits by the last character: a row of the table."""
    constants = {"last": np.array(window - 1), "table": table}
    nodes = [
        helper.make_node("Gather", ["characters", "last"], ["character"], axis=1),
        helper.make_node("Gather", ["table", "character"], ["logits"]),
    ]
    return onnx_layers.model(nodes, constants, window)
