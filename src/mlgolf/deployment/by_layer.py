"""Where two models part: differences of the values within them, in the order of the graph."""

from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.analysis.deployment.parity import compare
from mlgolf.deployment.graphs import float_values, with_outputs
from mlgolf.deployment.inspecting import load
from mlgolf.deployment.sessions import feed_of, open_session, run_all

EXAMPLES = 64
Arrays = dict[str, np.ndarray]


def layers(model: str, data: str, reference: str, batch_size: int) -> dict[str, Any]:
    """Rows: value, operator, relative difference. None where nothing can be paired.

    Args: reference: another ONNX file, or an .npz with values of the network by their names here.
    """
    graph = load(Path(model), with_data=True)
    feed = {name: a[:EXAMPLES] for name, a in feed_of(open_session(model), _read(data)).items()}
    if reference.endswith(".onnx"):
        other = load(Path(reference), with_data=True)
        pairs = _paired(float_values(graph), float_values(other))
        fed = feed_of(open_session(reference), _read(data))
        expected = _values(other, {n: a[:EXAMPLES] for n, a in fed.items()}, [*pairs.values()],
                           batch_size)  # fmt: skip
    else:
        held = {name: a[:EXAMPLES] for name, a in _read(reference).items()}
        pairs = {name: name for name in float_values(graph) if name in held}
        expected = held
    if len(pairs) < 2:
        return {"layers": []}
    found = _values(graph, feed, [*pairs], batch_size)
    made_by = float_values(graph)
    rows = []
    for name, theirs in pairs.items():
        if name in found and theirs in expected and found[name].shape == expected[theirs].shape:
            gap = compare({name: expected[theirs]}, {name: found[name]})
            rows.append({
                "value": name, "operator": made_by[name], "relative": gap.worst.relative,
            })
    return {"layers": rows}


def _paired(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """By name; or in order, where both have the same operators in the same order."""
    if shared := {name: name for name in one if name in other and one[name] == other[name]}:
        return shared
    if [*one.values()] == [*other.values()]:
        return dict(zip(one, other, strict=True))
    return {}


def _values(graph: Any, feed: Arrays, names: list[str], batch_size: int) -> Arrays:
    """Those whose first axis is that of the batch, as one array each."""
    session = open_session(with_outputs(graph, names).SerializeToString(), optimised=False)
    total = len(next(iter(feed.values())))
    size = min(batch_size, total)
    one = {name: array[:size] for name, array in feed.items()}
    made = zip(names, session.run(names, one), strict=True)
    kept = [name for name, array in made if array.ndim and len(array) == size]
    return run_all(session, feed, size, kept) if kept else {}


def _read(path: str) -> Arrays:
    return dict(np.load(path))
