"""What makes the outputs agree with the reference? Usual faults are undone one at a time.

Inputs are scaled and turned, outputs turned and put in order, nodes of the graph changed. None of
this proves where the fault is: it tells which change, on these examples, takes the difference away.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, linear_sum_assignment

from mlgolf.analysis.deployment.parity import compare
from mlgolf.core.errors import DeploymentError
from mlgolf.core.text import several
from mlgolf.deployment import graphs
from mlgolf.deployment.input_changes import Change, input_changes
from mlgolf.deployment.inspecting import attribute, constant, is_training, label, load
from mlgolf.deployment.sessions import feed_of, open_session, run_all

EXAMPLES = 64  # that changes are tried on
SECONDS = 20.0  # for all of them
FITTED = 4  # inputs with so many channels at most are fitted channel by channel
BATCH = 32
Arrays = Mapping[str, NDArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    fault: str  # "preprocessing", "transposed axis", "training mode", …
    says: str  # what was changed
    relative: float  # difference from the reference then


def undo(model: str, data: str, reference: str) -> dict[str, Any]:
    """Rows: each change with the difference that is left, from simple changes to fitted ones.

    Layers in training mode are undone first, and all else besides that.
    """
    began = time.monotonic()
    graph = load(Path(model), with_data=True)
    trains = [place for place, node in enumerate(graph.graph.node) if is_training(graph, node)]
    rows: list[Tried] = []
    besides = ""
    if trains:
        layers = several(label(graph.graph.node[place]) for place in trains)
        graph, besides = graphs.inferring(graph, trains), f"{layers} as in inference"
    session = open_session(graph.SerializeToString())
    feed = {name: a[:EXAMPLES] for name, a in feed_of(session, dict(np.load(data))).items()}
    expected = {name: a[:EXAMPLES] for name, a in np.load(reference).items()}
    found = run_all(session, feed, BATCH, list(expected))
    if trains:
        rows.append(Tried(fault="training mode", says=besides, relative=_left(expected, found)))
        besides += " and "
    ways = [
        partial(_outputs, expected, found), partial(_inputs, session, feed, expected),
        partial(_graph, graph, feed, expected), partial(_fits, session, feed, expected),
    ]  # fmt: skip
    for way in ways:
        for tried in way():
            rows.append(replace(tried, says=besides + tried.says))
            if time.monotonic() - began > SECONDS:
                break
    return {
        "tried": [{"fault": r.fault, "says": r.says, "relative": r.relative} for r in rows],
    }


def _left(expected: Arrays, found: Arrays) -> float:
    return compare(expected, found).worst.relative


def _inputs(session: Any, feed: Arrays, expected: Arrays) -> Iterator[Tried]:
    for change in input_changes(feed):
        left = _run(session, change.applied(feed), expected)
        if left is not None:
            yield Tried(fault=change.fault, says=change.says, relative=left)


def _run(session: Any, feed: Arrays, expected: Arrays) -> float | None:
    """None for what the model does not take."""
    try:
        return _left(expected, run_all(session, feed, BATCH, list(expected)))
    except DeploymentError:
        return None


def _outputs(expected: Arrays, found: Arrays) -> Iterator[Tried]:
    for name, wanted in expected.items():
        for fault, says, made in _other_outputs(wanted, found[name]):
            if made.shape == wanted.shape:
                left = _left(expected, {**found, name: made})
                yield Tried(fault=fault, says=f"output {name!r}: {says}", relative=left)
        if wanted.shape == found[name].shape and wanted.ndim > 1 and wanted.dtype.kind == "f":
            for activation, made in _activations(found[name]):
                yield Tried(
                    fault="last activation", relative=_left(expected, {**found, name: made}),
                    says=f"{activation} of the output {name!r}: the model lacks it",
                )
            for activation, made in _activations(wanted):
                yield Tried(
                    fault="last activation", relative=_left({**expected, name: made}, found),
                    says=f"{activation} of the reference {name!r}: the model alone has it",
                )


def _other_outputs(wanted: NDArray, found: NDArray) -> Iterator[tuple[str, str, NDArray]]:
    axes = range(1, found.ndim)
    for order in permutations(axes):
        if found.ndim == wanted.ndim and order != tuple(axes):
            yield "transposed axis", f"its axes in the order {(0, *order)}", found.transpose(
                0, *order
            )
    if found.ndim > 2 and found.shape == wanted.shape:
        turned = found.reshape(len(found), *found.shape[:0:-1])
        back = turned.transpose(0, *range(found.ndim - 1, 0, -1))
        yield "transposed axis", "reshaped to its axes in reverse, then transposed", back
    if found.size == wanted.size and found.shape != wanted.shape:
        yield "transposed axis", f"reshaped to {wanted.shape[1:]}", found.reshape(wanted.shape)
    if found.ndim == 2 and found.shape == wanted.shape:
        yield from _in_other_order(wanted, found)


def _activations(array: NDArray) -> Iterator[tuple[str, NDArray]]:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        shifted = np.exp(array - array.max(axis=-1, keepdims=True))
        share = shifted / shifted.sum(axis=-1, keepdims=True)
        yield "softmax", share
        yield "log-softmax", np.log(share)
        yield "sigmoid", 1 / (1 + np.exp(-array))


def _in_other_order(wanted: NDArray, found: NDArray) -> Iterator[tuple[str, str, NDArray]]:
    for axis, fault, what in ((1, "order of classes", "columns"), (0, "order of examples", "rows")):
        one, other = (np.moveaxis(a, axis, 0).astype(np.float64) for a in (wanted, found))
        distance = np.abs(one[:, None] - other[None]).mean(axis=2)
        if not np.isfinite(distance).all():
            return
        _, order = linear_sum_assignment(distance)
        if (order != np.arange(len(order))).any():
            shown = ", ".join(map(str, order[:12])) + (", …" if len(order) > 12 else "")
            yield fault, f"its {what} in the order {shown}", np.take(found, order, axis=axis)


def _graph(model: Any, feed: Arrays, expected: Arrays) -> Iterator[Tried]:
    for fault, says, changed in _other_graphs(model):
        try:
            session = open_session(changed.SerializeToString())
        except DeploymentError:  # a change that does not fit the graph
            continue
        left = _run(session, feed, expected)
        if left is not None:
            yield Tried(fault=fault, says=says, relative=left)


def _other_graphs(model: Any) -> Iterator[tuple[str, str, Any]]:
    nodes = list(enumerate(model.graph.node))
    known = graphs.ranks(model)
    for place, node in nodes:
        rank = known.get(node.input[0], 0) if node.input else 0
        if node.op_type == "Transpose":
            now = tuple(attribute(node, "perm", []))
            for order in permutations(range(len(now))):
                if order != now and order[0] == 0 and len(now) <= 4:
                    yield (
                        "transposed axis", f"{label(node)} with the order {order} instead of {now}",
                        graphs.with_attribute(model, place, "perm", list(order)),
                    )
        if node.op_type in ("Reshape", "Flatten") and 3 <= rank <= 4:
            for order in permutations(range(1, rank)):
                if order != tuple(range(1, rank)):
                    yield (
                        "transposed axis",
                        f"axes in the order {(0, *order)} before {label(node)}",
                        graphs.transposed_before(model, place, (0, *order)),
                    )
        if node.op_type == "Gelu":
            now = attribute(node, "approximate", b"none")
            other = "none" if now == b"tanh" else "tanh"
            yield (
                "activation", f"{label(node)} with approximate={other!r}",
                graphs.with_attribute(model, place, "approximate", other),
            )
    yield from _other_weights(model)


def _other_weights(model: Any) -> Iterator[tuple[str, str, Any]]:
    for node in model.graph.node:
        for name in node.input[1:] if node.op_type in ("MatMul", "Gemm", "Conv") else ():
            array = constant(model, name) if name else None
            if array is None or array.ndim not in (2, 4):
                continue
            if array.shape[-1] == array.shape[-2] and array.shape[-1] > 1:
                yield (
                    "transposed axis", f"the weights {name!r} of {label(node)} transposed",
                    graphs.with_constant(model, name, array.swapaxes(-1, -2).copy()),
                )
            if array.ndim == 4 and array.shape[0] == array.shape[1] > 1:
                yield (
                    "transposed axis",
                    f"the weights {name!r} of {label(node)} with inputs and outputs swapped",
                    graphs.with_constant(model, name, array.swapaxes(0, 1).copy()),
                )


def _fits(session: Any, feed: Arrays, expected: Arrays) -> Iterator[Tried]:
    """The scale and shift of an input that fit the reference best."""
    for name, array in feed.items():
        if array.dtype.kind != "f" or array.ndim < 2 or not np.isfinite(array).all():
            continue
        fitted = _fit(session, feed, name, expected, channels=())
        if fitted is None:
            continue
        yield _told(session, feed, name, expected, *fitted, axis=None)
        for axis in {1, array.ndim - 1}:
            if array.ndim > 2 and 2 <= array.shape[axis] <= FITTED:
                by_channel = _fit(session, feed, name, expected, channels=(axis,), first=fitted)
                if by_channel is not None:
                    yield _told(session, feed, name, expected, *by_channel, axis=axis)


def _told(
    session: Any, feed: Arrays, name: str, expected: Arrays, scale: NDArray, shift: NDArray,
    axis: int | None,
) -> Tried:
    change = Change(
        fault="preprocessing", name=name, function=lambda x: (scale * x + shift).astype(x.dtype),
        says="",
    )
    left = _run(session, change.applied(feed), expected)
    # (x - mean) / deviation is how a normalisation is written.
    mean, deviation = -shift / scale, 1 / scale
    numbers = [
        ", ".join(f"{value:.4g}" for value in np.ravel(values)) for values in (mean, deviation)
    ]
    each = "" if axis is None else f" for each channel (axis {axis})"
    return Tried(
        fault="preprocessing", relative=np.inf if left is None else left,
        says=f"input {name!r} less {numbers[0]}, divided by {numbers[1]}{each}",
    )


def _fit(
    session: Any, feed: Arrays, name: str, expected: Arrays, channels: tuple[int, ...],
    first: tuple[NDArray, NDArray] | None = None,
) -> tuple[NDArray, NDArray] | None:
    """Scale and shift, in a shape that fits the input."""
    some = {key: array[:BATCH] for key, array in feed.items()}
    wanted = np.concatenate([a[:BATCH].reshape(-1) for a in expected.values()]).astype(np.float64)
    size = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
    x = some[name].astype(np.float64)
    shape = [1] * x.ndim
    for axis in channels:
        shape[axis] = x.shape[axis]
    count = int(np.prod(shape))
    if not size or not np.isfinite(wanted).all():
        return None

    def gaps(values: NDArray) -> NDArray:
        scale, shift = values[:count].reshape(shape), values[count:].reshape(shape)
        changed = (np.exp(scale) * x + shift).astype(some[name].dtype)
        made = run_all(session, {**some, name: changed}, BATCH, list(expected))
        found = np.concatenate([array.reshape(-1) for array in made.values()])
        return np.nan_to_num((found - wanted) / size, nan=1e6, posinf=1e6, neginf=-1e6)

    std, mean = float(x.std()) or 1.0, float(x.mean())
    starts = [(1 / std, -mean / std), (1.0, 0.0), (1 / 255, 0.0), (2 / 255, -1.0), (2.0, -1.0),
              (std, mean), (255.0, 0.0)]  # fmt: skip
    tried = [
        np.concatenate([np.full(count, np.log(s)), np.full(count, t)]) for s, t in starts
    ] if first is None else [
        np.concatenate([np.full(count, np.log(first[0]).ravel()[0]),
                        np.full(count, first[1].ravel()[0])])
    ]  # fmt: skip
    tried.sort(key=lambda start: float(np.square(gaps(start)).sum()))
    best = min(
        (least_squares(gaps, start, diff_step=1e-3, max_nfev=40) for start in tried[:2]),
        key=lambda done: done.cost,
    )
    return np.exp(best.x[:count]).reshape(shape), best.x[count:].reshape(shape)
