"""The model, in plain ONNX operators: counts of what followed the last characters, mixed.

For some lengths of context it counts what followed these characters earlier in the window, and
what did in the stored text. Spaces and line breaks are mixed as one, and then split by the column.
"""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CLASSES = 94
NEWLINE, SPACE = 1, 2  # the first two of the characters in order
LENGTHS = (1, 2, 3, 4, 6, 16)  # of contexts, in characters
LONGEST, TABLES = max(LENGTHS), 2 * len(LENGTHS)
BUCKETS = 4_194_301  # of the table from contexts to rows: a prime
COLUMNS, WIDTH = 20, 4  # steps of so many characters from the start of a line
HALF = 0.5  # is added to counts before logarithms, and to totals


class Graph:
    """Nodes and constants. An operator's method returns the name of its first output."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def __getattr__(self, operator):
        return lambda *inputs, **attributes: self.add(operator, inputs, attributes)

    def add(self, operator, inputs, attributes):
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def constant(self, value):
        """Of numbers of Python: 32 bits, but 64 for lists, which shapes and axes are."""
        name = f"constant_{len(self.constants)}"
        dtype = {int: np.int32, float: np.float32, list: np.int64}.get(type(value))
        self.constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def file(self, window, outputs):
        """The bytes of an ONNX file from "x" (batch, window) to these outputs, by name."""
        nodes = [helper.make_node("Identity", [value], [name]) for name, value in outputs.items()]
        graph = helper.make_graph(
            [*self.nodes, *nodes], "model",
            [helper.make_tensor_value_info("x", TensorProto.INT32, ["batch", window])],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            list(self.constants.values()),
        )  # fmt: skip
        opset = [helper.make_opsetid("", 20)]
        return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def counted(stored, windows):
    """Run the counting part of the model. Returns: counts, and columns in steps of WIDTH."""
    g, size = Graph(), windows.shape[1]
    outputs = {"counts": counts(g, stored, size), "columns": columns(g, size)}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        g.file(size, outputs), options, providers=["CPUExecutionProvider"]
    )
    parts = [
        session.run(list(outputs), {"x": windows[at : at + 2048]})
        for at in range(0, len(windows), 2048)
    ]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def model(stored, weights, step, window):
    """The whole model as an ONNX file. Args: weights: of `entry_torch.fresh`, int8, in steps."""
    g = Graph()
    w = {name: g.DequantizeLinear(value, np.float32(step)) for name, value in weights.items()}
    logits = mixed(g, w, counts(g, stored, window), columns(g, window))
    return g.file(window, {"logits": logits})


def counts(g, stored, window):
    """(batch, TABLES, classes): how often each character followed each context."""
    factors = factors_of_lengths(g)
    text = g.Cast(stored[None], to=TensorProto.INT32)
    in_window, asked = window_counts(g, factors, window)
    both = g.Concat(in_window, stored_counts(g, factors, text, stored.size, asked), axis=1)
    return g.Mul(both, g.Sign(classes(g)))  # nothing follows the last context: its 0 is no count


def classes(g):
    return g.Range(0.0, float(CLASSES), 1.0)


def factors_of_lengths(g):
    """(lengths, 1, LONGEST): a convolution that makes hashes of contexts, the last one last."""
    places = g.Range(1.0, LONGEST + 1.0, 1.0)
    firsts = np.array([[[LONGEST - length]] for length in LENGTHS], np.float32)
    used = g.Cast(g.Greater(places, firsts), to=TensorProto.FLOAT)
    # Whole numbers, so small that 32-bit floats hold every sum of products exactly.
    return g.Mul(g.Round(g.Mul(g.Sin(places), 1e4)), used)


def hashes(g, factors, characters):
    """(rows, lengths, places): of the contexts that end at the places from LONGEST on.

    A context has a space for each line break: the one often stands where the other might.
    """
    folded = g.Where(g.Equal(characters, NEWLINE), SPACE, characters)
    sums = g.Conv(g.Unsqueeze(g.Cast(folded, to=TensorProto.FLOAT), [1]), factors)
    return g.Mod(g.Cast(sums, to=TensorProto.INT32), BUCKETS)


def following(g, characters):
    """(rows, places): what comes after these contexts; after the last one, 0."""
    return g.Pad(characters, [0, -LONGEST, 0, 1])


def window_counts(g, factors, window):
    """The counts in the window, and hashes of the last characters, (batch, lengths, 1)."""
    every = hashes(g, factors, "x")
    asked = g.Gather(every, [window - LONGEST], axis=2)
    same = g.Cast(g.Equal(every, asked), to=TensorProto.FLOAT)
    some = g.Gather(same, g.Range(0, CLASSES, 1), axis=2)
    after = g.Expand(g.Unsqueeze(following(g, "x"), [1]), [1, len(LENGTHS), 1])
    return g.ScatterElements(g.Sub(some, some), after, same, axis=2, reduction="add"), asked


def stored_counts(g, factors, text, size, asked):
    """(batch, lengths, classes): what followed the last characters in the stored text.

    A table takes the hash of a context to a row that it shares with no other, the last row where
    the text has no such context; the rows of a second table count.
    """
    places = hashes(g, factors, text)
    rows = (size - LONGEST + 1) * len(LENGTHS)
    flat = g.Reshape(places, [-1])
    empty = g.ConstantOfShape([BUCKETS], value=numpy_helper.from_array(np.array([-1], np.int32)))
    table = g.ScatterElements(empty, flat, g.Range(0, rows, 1), reduction="max")
    cells = g.Add(g.Mul(g.Gather(table, places), CLASSES), following(g, text))
    ones = g.Cast(g.Equal(flat, flat), to=TensorProto.FLOAT)
    zeros = g.ConstantOfShape([(rows + 1) * CLASSES])
    counted = g.ScatterElements(zeros, g.Reshape(cells, [-1]), ones, reduction="add")
    found = g.Gather(g.Reshape(counted, [-1, CLASSES]), g.Gather(table, asked))
    return g.Squeeze(found, [2])


def columns(g, window):
    """(batch,): how far the last line break is back, in steps of WIDTH."""
    breaks = g.Cast(g.Equal("x", NEWLINE), to=TensorProto.INT32)
    last = g.ArgMax(breaks, axis=1, keepdims=0, select_last_index=1)
    return g.Min(g.Div(g.Sub([window - 1], last), [WIDTH]), [COLUMNS - 1])


def mixed(g, w, counts, columns):
    """(batch, classes): logits, by a small network that sees the counts of one class at a time.

    Args: w: weights by name; `fresh` in entry_torch.py has their shapes.
    """
    characters = classes(g)
    newline, space = (g.Gather(counts, [n], axis=2) for n in (NEWLINE, SPACE))
    at_space = g.Cast(g.Equal(characters, float(SPACE)), to=TensorProto.FLOAT)
    pooled = g.Add(counts, g.Mul(newline, at_space))
    totals = g.Add(g.ReduceSum(counts, [2]), HALF)
    different = g.Add(g.ReduceSum(g.Sign(pooled), [2]), HALF)
    seen = g.Concat(g.Log(g.Add(pooled, HALF)), g.Div(pooled, totals), axis=1)
    overall = g.Log(g.Concat(totals, different, axis=1))
    hidden = g.Add(g.MatMul(w["counts"], seen), g.MatMul(w["overall"], overall))
    second = g.MatMul(w["second"], g.Relu(g.Add(hidden, w["hidden"])))
    found = g.MatMul(w["output"], g.Relu(second))
    odds = g.Log(g.Div(g.Add(newline, HALF), g.Add(space, HALF)))
    ends = g.Add(g.MatMul(w["breaks"], odds), g.Gather(w["columns"], columns))
    ends = g.Add(ends, g.Gather(found, [SPACE], axis=2))
    return g.Squeeze(g.Where(g.Equal(characters, float(NEWLINE)), ends, found), [1])
