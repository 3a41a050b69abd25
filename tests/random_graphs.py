"""Random graphs of every kind of layer, small ones, with tensors and batches for them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlgolf.core.workload import Size
from mlgolf.workloads.graph.graph import Graph, initial_tensors
from mlgolf.workloads.graph.layers import AnyLayer

LAYER = TypeAdapter(AnyLayer)
ANYWHERE = ("dense", "layer_norm", "relu", "gelu", "tanh", "sigmoid", "flatten", "residual")
OF_SEQUENCES = ("positions", "attention", "mean")
OF_IMAGES = ("convolution", "mean_pool", "max_pool")
EVERY = ("embedding", *ANYWHERE, *OF_SEQUENCES, *OF_IMAGES)
LOSSES = ("cross_entropy", "squared_error", "sigmoid_cross_entropy")

counts = st.integers(1, 4)
pairs = st.tuples(counts, counts)


@st.composite
def graphs(draw: st.DrawFn, kinds: tuple[str, ...] = EVERY) -> Graph:
    """Chains with residual sums, of the given kinds of layers ("residual" brings sums)."""
    axes = draw(st.integers(1, 3))
    shape = tuple(draw(st.lists(st.integers(3, 7), min_size=axes, max_size=axes)))
    of_ids = "embedding" in kinds and axes < 3 and draw(st.booleans())
    chain = Chain(shape, draw)
    if of_ids:
        chain.add("embedding", entries=5, width=4)
    for _ in range(draw(st.integers(0, 5))):
        chain.grow(kinds)
    loss = draw(st.sampled_from(LOSSES))
    if not chain.has_tensors or loss == "cross_entropy":
        chain.add("dense", units=draw(st.integers(2, 4)), bias=draw(st.booleans()))
    return Graph.model_validate(
        {
            "inputs": {"shape": shape, "dtype": "int32" if of_ids else "float32"},
            "layers": chain.tables,
            "loss": loss,
        }
    )


class Chain:
    """Layers so far, the name and the shape of the last one."""

    def __init__(self, shape: tuple[int, ...], draw: st.DrawFn) -> None:
        self.tables: list[dict[str, Any]] = []
        self.name, self.shape, self.has_tensors, self.draw = "inputs", shape, False, draw

    def add(self, kind: str, **fields: Any) -> None:
        table = {"name": f"layer{len(self.tables)}", "kind": kind, **fields}
        layer = LAYER.validate_python(table)
        self.has_tensors |= bool(layer.tensors(self.shape))
        self.shape = layer.output_shape(*[self.shape] * len(layer.sources))
        self.tables.append(table)
        self.name = layer.name

    def grow(self, kinds: tuple[str, ...]) -> None:
        fitting = {2: ANYWHERE + OF_SEQUENCES, 3: ANYWHERE + OF_IMAGES}.get(
            len(self.shape), ANYWHERE
        )
        draw, kind = self.draw, self.draw(st.sampled_from([k for k in kinds if k in fitting]))
        match kind:
            case "dense":
                self.add(kind, units=draw(st.integers(1, 6)), bias=draw(st.booleans()))
            case "attention":
                heads = [n for n in range(1, 5) if self.shape[-1] % n == 0]
                self.add(
                    kind, heads=draw(st.sampled_from(heads)),
                    causal=draw(st.booleans()), bias=draw(st.booleans()),
                )  # fmt: skip
            case "convolution":
                padding = draw(st.sampled_from(["same", "valid"]))
                size = draw(pairs) if padding == "same" else self.window()
                self.add(
                    kind, filters=draw(counts), size=size, stride=draw(pairs), padding=padding,
                    bias=draw(st.booleans()),
                )  # fmt: skip
            case "mean_pool" | "max_pool":
                stride = {"stride": draw(pairs)} if draw(st.booleans()) else {}
                self.add(kind, size=self.window(), **stride)
            case "residual":
                before = self.name
                self.add("dense", units=self.shape[-1])
                self.add("sum", inputs=[self.name, before])
            case _:
                self.add(kind)

    def window(self) -> tuple[int, ...]:
        return tuple(self.draw(st.integers(1, n)) for n in self.shape[1:])


def size_of(graph: Graph) -> Size:
    """A row of spec.py with this network."""
    return Size(
        name="mini", examples={}, batch_size=4, published_batch_size=4, eval_batch_size=4,
        model=graph, data=None,
    )  # fmt: skip


def random_tensors(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Near the initial values, but no layer norm of exactly 1 and 0."""
    rng = np.random.default_rng(seed)
    return {
        name: values + rng.normal(0, 0.1, values.shape).astype(np.float32)
        for name, values in initial_tensors(graph, rng).items()
    }


def random_batch(graph: Graph, seed: int, rows: int = 4) -> dict[str, np.ndarray]:
    """The last row has weight 0; some integer targets are negative."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, *graph.inputs.shape)).astype(np.float32)
    if graph.inputs.dtype == "int32":
        inputs = rng.integers(5, size=inputs.shape, dtype=np.int32)
    targets = rng.random(size=(rows, *graph.target_shape)).astype(np.float32)
    if graph.loss == "cross_entropy":
        classes = graph.output_shape[-1]
        targets = rng.integers(-1, classes, size=targets.shape, dtype=np.int32)
    weights = (np.arange(rows) < rows - 1).astype(np.float32)
    return {"inputs": inputs, "targets": targets, "weights": weights}
