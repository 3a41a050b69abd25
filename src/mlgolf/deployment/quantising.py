"""8 bits, by ONNX Runtime's own quantisation: the whole model, and one layer at a time."""

import contextlib
import itertools
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlgolf.analysis.deployment.parity import compare
from mlgolf.analysis.deployment.suspects import COSTLY
from mlgolf.core.errors import DeploymentError, FrameworkMissing
from mlgolf.deployment.graphs import with_names, with_outputs
from mlgolf.deployment.inspecting import constant, label, load, opset
from mlgolf.deployment.sessions import feed_of, fixed_batch, open_session, run_all
from mlgolf.measures.onnx_models.running import runtime_said

CALIBRATED = 128  # examples that ranges are taken from
MOST_LAYERS, LAYER_SECONDS, KIND_SECONDS = 24, 60.0, 30.0
LAYERS = ("Conv", "Gemm", "MatMul", "ConvTranspose")
NAMED = 5  # places where values are cut off
QUANTISED_OPSET = 20  # in later ones ONNX Runtime 1.32 makes zero points of a type that it refuses
Item = TypeVar("Item")
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


class Reader:
    """Hands examples to the calibration, one batch at a time."""

    def __init__(self, feed: dict[str, NDArray], size: int) -> None:
        total = len(next(iter(feed.values())))
        self._batches = iter([
            {name: array[at:at + size] for name, array in feed.items()}
            for at in range(0, total - size + 1, size)
        ])  # fmt: skip

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self._batches, None)


def quantise(
    model: str, data: str, to: str, how: str, per_channel: bool = False,
    nodes: list[str] | None = None, without: list[str] | None = None,
) -> dict[str, Any]:
    """Write the model in 8 bits to `to`.

    Args:
      how: "static" or "dynamic".
      nodes: these alone; without: all but these and what makes their inputs.
    Returns: the number of examples that ranges were taken from.
    """
    _quantisation()
    with _prepared(Path(model)) as prepared:
        feed = calibration(model, data)
        left_out = _with_makers(load(prepared), without) if without else None
        _write(prepared, Path(to), how, feed, _batch(model, feed), per_channel, nodes, left_out)
    used = len(next(iter(feed.values()))) if how == "static" else 0
    return {"calibrated": used}


def _with_makers(graph: Any, names: list[str]) -> list[str]:
    """Nodes, and those that make their inputs: else those would be in 8 bits still."""
    used = {value for node in graph.graph.node if node.name in names for value in node.input}
    makers = [node.name for node in graph.graph.node if used & set(node.output)]
    return [*names, *makers]


def layer_costs(
    model: str, data: str, how: str, batch_size: int, per_channel: bool = False
) -> dict[str, Any]:
    """What 8 bits of one layer alone do to the outputs; rows, the costliest first.

    Where no layer costs much, other operators are tried, those of a kind together.
    """
    _quantisation()
    with _prepared(Path(model)) as prepared:
        graph = load(prepared, with_data=True)
        layers = [node for node in graph.graph.node if node.op_type in LAYERS]
        layers.sort(key=lambda node: -np.size(_weights(graph, node)))
        feed, session = calibration(model, data), open_session(model)
        everything = feed_of(session, dict(np.load(data)))
        plain = run_all(session, everything, batch_size)
        out, size = prepared.with_name("some_nodes.onnx"), _batch(model, feed)

        def cost(nodes: list[str]) -> dict[str, Any] | None:
            _write(prepared, out, how, feed, size, per_channel, nodes, None)
            if len(load(out).graph.node) == len(graph.graph.node):
                return None  # nothing to quantise in them
            parity = compare(plain, run_all(open_session(out), everything, batch_size))
            return {
                "nodes": nodes, "relative": parity.worst.relative, "changed": parity.changed_share
            }

        spreads = _spreads(graph, layers, feed, batch_size)
        rows = [
            {"layer": node.name, "operator": node.op_type, **found, **spreads[node.name]}
            for node in _for_a_while(layers[:MOST_LAYERS], LAYER_SECONDS)
            if (found := cost([node.name])) is not None
        ]
        tried, others = len(rows), []
        if max((row["relative"] for row in rows), default=0.0) < COSTLY:
            others = _for_a_while(_other_kinds(graph), KIND_SECONDS)
        rows += [
            {
                "layer": nodes[0] if len(nodes) == 1 else f"all {len(nodes)} {kind}",
                "operator": kind, "together": len(nodes), **found,
            }
            for kind, nodes in others
            if (found := cost(nodes)) is not None and found["relative"] >= COSTLY
        ]  # fmt: skip
    rows.sort(key=lambda row: (-row["relative"], row["layer"]))
    return {"layers": rows, "left_out": len(layers) - tried}


def _other_kinds(graph: Any) -> list[tuple[str, list[str]]]:
    """Kinds of operators that are no layers, and the names of theirs."""
    kinds: dict[str, list[str]] = {}
    for node in graph.graph.node:
        if node.op_type not in LAYERS:
            kinds.setdefault(node.op_type, []).append(node.name)
    return list(kinds.items())


def _for_a_while(items: Sequence[Item], seconds: float) -> Iterator[Item]:
    began = time.monotonic()
    return itertools.takewhile(lambda _: time.monotonic() - began <= seconds, items)


def calibration(model: str, data: str) -> dict[str, NDArray]:
    """Every so many of the examples, so that an order of classes does not matter."""
    feed = feed_of(open_session(model), dict(np.load(data)))
    total = len(next(iter(feed.values())))
    chosen = np.unique(np.linspace(0, total - 1, min(total, CALIBRATED)).astype(int))
    return {name: array[chosen] for name, array in feed.items()}


def cut_off_values(model: str, data: str, batch_size: int) -> dict[str, Any]:
    """Of a model in 8 bits: where values lie outside of what its scales can say."""
    return {"cut_off": _cut_off(model, data, batch_size)}


def _cut_off(model: str, data: str, batch_size: int) -> list[dict[str, Any]]:
    graph = with_names(load(Path(model), with_data=True))
    places = [
        node for node in graph.graph.node
        if node.op_type == "QuantizeLinear" and constant(graph, node.input[0]) is None
    ]
    if not places:
        return []
    names = list(dict.fromkeys(node.input[0] for node in places))
    session = open_session(with_outputs(graph, names).SerializeToString(), optimised=False)
    feed = feed_of(open_session(model), dict(np.load(data)))
    given = {name: feed[name] for name in names if name in feed}
    values = given | run_all(
        session, feed, batch_size, [name for name in names if name not in given]
    )
    rows = []
    for node in places:
        held = values[node.input[0]]
        spread = _spread(held, 1 if held.ndim == 4 else -1) if held.ndim > 1 else 1.0
        rows.append({
            "layer": _user(graph, node), "share": _share_outside(graph, node, held),
            "spread": spread,
        })
    most = [sorted(rows, key=lambda row: -row[key])[:NAMED] for key in ("share", "spread")]
    return [*most[0], *(row for row in most[1] if row not in most[0])]


def _share_outside(graph: Any, node: Any, values: NDArray) -> float:
    scale = constant(graph, node.input[1])
    zero = constant(graph, node.input[2]) if len(node.input) > 2 else np.uint8(0)
    kind = "" if zero is None else np.asarray(zero).dtype.name
    if scale is None or zero is None or np.size(scale) != 1 or kind not in _LIMITS:
        return 0.0
    low, high = _LIMITS[kind]
    steps = values / float(np.ravel(scale)[0]) + float(np.ravel(zero)[0])
    outside = steps > high + 1
    if float(np.ravel(zero)[0]) > low:  # else negative values are cut off on purpose: a ReLU
        outside |= steps < low - 1
    return float(outside.mean())


def _user(graph: Any, node: Any) -> str:
    """The layer that a quantised value goes into, past its DequantizeLinear."""
    name = node.output[0]
    for other in graph.graph.node:
        if name in other.input:
            if other.op_type != "DequantizeLinear":
                return label(other)
            name = other.output[0]
    return label(node)


def _weights(graph: Any, node: Any) -> Any:
    """None for a product of two inputs."""
    return next(
        (array for name in node.input[1:] if name and (array := constant(graph, name)) is not None
         and array.ndim >= 2), None,
    )  # fmt: skip


def _spreads(
    graph: Any, layers: list[Any], feed: dict[str, NDArray], batch_size: int
) -> dict[str, dict[str, float]]:
    """How much larger the largest channel is than the usual one, of weights and of inputs."""
    given = [node.input[0] for node in layers]
    made = [name for name in dict.fromkeys(given) if name not in feed]
    session = open_session(with_outputs(graph, made).SerializeToString())
    values = feed | (run_all(session, feed, batch_size, made) if made else {})
    return {
        node.name: {
            "weight_spread": _spread(_weights(graph, node), _out_axis(node)),
            "input_spread": _spread(values[node.input[0]], 1 if node.op_type == "Conv" else -1),
        }
        for node in layers
    }


def _out_axis(node: Any) -> int:
    """The axis of a layer's output channels in its weights."""
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else -1


def _spread(array: NDArray | None, axis: int) -> float:
    if array is None:
        return 1.0
    by_channel = np.abs(np.moveaxis(array, axis, 0)).reshape(array.shape[axis], -1).max(axis=1)
    usual = float(np.median(by_channel[by_channel > 0])) if by_channel.any() else 0.0
    return float(by_channel.max() / usual) if usual > 0 else 1.0


@contextlib.contextmanager
def _prepared(model: Path) -> Iterator[Path]:
    """The model with names, shapes and what can be folded, in a folder that goes."""
    import onnx
    from onnx import version_converter
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        named, prepared = Path(folder) / "named.onnx", Path(folder) / "prepared.onnx"
        graph = with_names(load(model, with_data=True))
        try:
            if opset(graph) > QUANTISED_OPSET:
                graph = version_converter.convert_version(graph, QUANTISED_OPSET)
            onnx.save(graph, str(named))
            quant_pre_process(str(named), str(prepared), skip_symbolic_shape=True)
        except Exception as error:
            raise DeploymentError(
                f"8 bits: ONNX Runtime cannot prepare the model: {runtime_said(error)}"
            ) from None
        onnx.save(with_names(load(prepared, with_data=True)), str(prepared))
        yield prepared


def _write(
    model: Path, to: Path, how: str, feed: dict[str, NDArray], size: int, per_channel: bool,
    nodes: list[str] | None, without: list[str] | None,
) -> None:
    from onnxruntime.quantization import quantize_dynamic, quantize_static

    chosen: dict[str, Any] = {
        "per_channel": per_channel, "nodes_to_quantize": nodes or None,
        "nodes_to_exclude": without or None,
    }
    try:
        if how == "dynamic":
            quantize_dynamic(str(model), str(to), **chosen)
        else:
            quantize_static(str(model), str(to), Reader(feed, size), **chosen)  # type: ignore[arg-type]
    except Exception as error:
        raise DeploymentError(
            f"8 bits: ONNX Runtime cannot quantise the model: {runtime_said(error)}"
        ) from None


def _batch(model: str, feed: dict[str, NDArray]) -> int:
    return fixed_batch(open_session(model)) or min(32, len(next(iter(feed.values()))))


def _quantisation() -> None:
    logging.disable(logging.WARNING)  # advice of the tool that the preparation follows anyway
    try:
        import onnxruntime.quantization  # noqa: F401
    except ImportError as error:
        raise FrameworkMissing("golf", str(error.name)) from None
