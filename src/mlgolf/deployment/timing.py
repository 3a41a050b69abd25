"""How long a model takes: from nothing, run by run, and operator by operator.

Inputs and outputs are bound once, so that a run is what the runtime does and nothing else. The
clock is read once after each run: a run lasts from one reading to the next.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import DeploymentError
from mlgolf.deployment.sessions import feed_of, fixed_batch, open_session, run, runtime
from mlgolf.diagnosis.process_memory import forget_peak, peak_of_process
from mlgolf.measures.onnx_models.running import runtime_said

WARM_SECONDS, WARM_RUNS = 0.2, 10
MOST_RUNS = 100_000
PROFILED_RUNS, PROFILED_SECONDS = 200, 1.5
RUNS_THAT_TELL = 20  # of memory: buffers are allocated in the first ones
SLOWEST = 0.05  # share of an operator's calls that something else disturbed
HOLDS_OTHERS = ("Loop", "Scan", "If")  # their operators are listed, too, within their time
Runner = Callable[[], None]


def start(model: str, data: str, batch_size: int, threads: int) -> dict[str, float]:
    """A first answer in a process that has done nothing else, and what memory it takes."""
    began = time.perf_counter()
    runtime()
    imported = time.perf_counter()
    held = dict(np.load(data))
    forget_peak()
    before = peak_of_process()
    loading = time.perf_counter()
    session = open_session(model, threads)
    loaded = time.perf_counter()
    batch = batch_of(feed_of(session, held), fixed_batch(session) or batch_size)
    names = [one.name for one in session.get_outputs()]
    first = time.perf_counter()
    run(session, names, batch)
    answered = time.perf_counter()
    for _ in range(RUNS_THAT_TELL):
        run(session, names, batch)
    peak = peak_of_process()
    return {
        "import_ms": 1e3 * (imported - began), "session_ms": 1e3 * (loaded - loading),
        "first_run_ms": 1e3 * (answered - first), "peak_bytes": peak,
        "growth_bytes": max(0.0, peak - before),
    }


def batch_of(feed: Mapping[str, NDArray], size: int) -> dict[str, NDArray]:
    """The first examples, from the start again where there are too few."""
    return {
        name: np.ascontiguousarray(np.take(array, np.arange(size) % len(array), axis=0))
        for name, array in feed.items()
    }


def bound(session: Any, batch: Mapping[str, NDArray], name: str = "the model") -> Runner:
    """A function that runs the session once on this batch. Raises: DeploymentError."""
    ort = runtime()
    binding = session.io_binding()
    for key, array in batch.items():
        binding.bind_ortvalue_input(key, ort.OrtValue.ortvalue_from_numpy(array))
    for output in session.get_outputs():
        binding.bind_output(output.name)
    once = partial(session.run_with_iobinding, binding)
    try:
        once()
    except Exception as error:
        raise DeploymentError(
            f"{name} failed on a batch of {len(next(iter(batch.values())))}: "
            f"{runtime_said(error)}"
        ) from None
    return once


def timed(once: Runner, runs: int) -> FloatArray:
    """(runs,): seconds of each."""
    return np.diff(stamped(once, runs, time.perf_counter))


def stamped(once: Runner, runs: int, clock: Callable[[], float]) -> list[float]:
    """The clock before all runs and after each: nothing else, since a small model takes 2 µs."""
    stamps = [clock()]
    stamps += [once() or clock() for _ in repeat(None, runs)]
    return stamps


def warm(once: Runner, seconds: float = WARM_SECONDS) -> float:
    """Run until caches, clocks and buffers are as they stay. Returns: seconds of a run, about."""
    began, runs = time.perf_counter(), 0
    while runs < WARM_RUNS or time.perf_counter() - began < seconds:
        once()
        runs += 1
        if time.perf_counter() - began > 20 * seconds:
            break
    return (time.perf_counter() - began) / runs


def latencies(
    model: str, data: str, to: str, batch_sizes: list[int], threads: int, runs: int,
    seconds: float, other: str = "",
) -> dict[str, Any]:
    """Seconds of each run by batch size, "b1" … in the .npz `to`.

    Args:
      runs, seconds: as many runs of the first batch size, or for as long; a tenth of the others.
      other: a second model, that takes turns with the first at the first batch size: "other".
    """
    session = open_session(model, threads)
    feed = feed_of(session, dict(np.load(data)))
    fixed = fixed_batch(session)
    found: dict[str, FloatArray] = {}
    for place, size in enumerate([fixed] if fixed else batch_sizes):
        once = bound(session, batch_of(feed, size), model)
        share = 1.0 if place == 0 else 0.1
        count = _count(warm(once), share * runs, share * seconds)
        if place == 0 and other:
            beside = bound(open_session(other, threads), batch_of(feed, size), other)
            warm(beside)
            found[f"b{size}"], found["other"] = in_turns([once, beside], count)
        else:
            found[f"b{size}"] = timed(once, count)
    np.savez(to, **found)  # type: ignore[arg-type]
    return {"fixed_batch": fixed}


def in_turns(works: list[Runner], runs: int, turns: int = 20) -> list[FloatArray]:
    """Seconds of each run of each, in stretches that alternate."""
    taken: list[list[FloatArray]] = [[] for _ in works]
    for _ in range(turns):
        for place, once in enumerate(works):
            taken[place].append(timed(once, math.ceil(runs / turns)))
    return [np.concatenate(parts) for parts in taken]


def _count(each: float, runs: float, seconds: float) -> int:
    return int(max(5, min(runs, seconds / max(each, 1e-9), MOST_RUNS)))


def profile(
    model: str, data: str, batch_size: int, threads: int, seconds: float = PROFILED_SECONDS
) -> dict[str, Any]:
    """Rows of operators: name, operator, type, shapes, seconds of a call, calls in a run."""
    return {"operators": profiled(
        model, lambda session: feed_of(session, dict(np.load(data))), batch_size, threads, seconds
    )}  # fmt: skip


def profiled(
    model: str | bytes, feed: Callable[[Any], Mapping[str, NDArray]], batch_size: int, threads: int,
    seconds: float,
) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        plain = open_session(model, threads)
        batch = batch_of(feed(plain), fixed_batch(plain) or batch_size)
        once = bound(plain, batch)
        each = warm(once, seconds / 5)
        runs = max(5, min(PROFILED_RUNS, int(seconds / max(each, 1e-9))))
        whole = float(np.median(timed(once, runs)))
        session = open_session(model, threads, profile=os.path.join(folder, "times"))
        again = bound(session, batch)
        for _ in range(runs):
            again()
        events = json.loads(Path(session.end_profiling()).read_text())
    rows = _less_profiling(_by_node(events), whole)
    rest = whole - _total(rows)
    nothing = {"name": "", "operator": "(run)", "dtype": "", "inputs": [], "outputs": []}
    return [*rows, {**nothing, "seconds": max(1e-7, rest), "count": 1}]


def _by_node(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    taken: dict[str, list[float]] = {}
    first: dict[str, dict[str, Any]] = {}
    runs, until = 0, -math.inf
    ending = "_kernel_time"
    for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
        runs += event["name"] == "model_run"
        if event["cat"] != "Node" or not event["name"].endswith(ending) or event["ts"] < until:
            continue
        facts, name = event["args"], event["name"].removesuffix(ending)
        if facts["op_name"] in HOLDS_OTHERS:
            until = event["ts"] + event["dur"]
        # The runtime drops parts of a microsecond: half of one on average.
        taken.setdefault(name, []).append(1e-6 * (event["dur"] + 0.5))
        first.setdefault(name, facts)
    rows = []
    for name, seconds in taken.items():
        kept = np.sort(seconds)[: max(1, math.ceil(len(seconds) * (1 - SLOWEST)))]
        facts = first[name]
        inputs = facts.get("input_type_shape", [])
        rows.append({
            "name": name, "operator": facts["op_name"],
            "dtype": next(iter(inputs[0]), "") if inputs else "",
            "inputs": _shapes(inputs), "outputs": _shapes(facts.get("output_type_shape", [])),
            "seconds": float(kept.mean()), "count": max(1, round(len(seconds) / max(1, runs))),
        })
    return rows


def _less_profiling(rows: list[dict[str, Any]], whole: float) -> list[dict[str, Any]]:
    """Without what it takes to note each call, so that all calls take no more than a whole run."""
    calls, total = sum(row["count"] for row in rows), _total(rows)
    if total <= whole or not calls:
        return rows
    noted = (total - whole) / calls
    rows = [
        {**row, "seconds": max(0.1 * row["seconds"], row["seconds"] - noted)} for row in rows
    ]
    factor = min(1.0, whole / _total(rows))
    return [{**row, "seconds": factor * row["seconds"]} for row in rows]


def _total(rows: Iterable[Mapping[str, Any]]) -> float:
    return sum(row["seconds"] * row["count"] for row in rows)


def _shapes(listed: Iterable[Mapping[str, list[int]]]) -> list[list[int]]:
    return [shape for entry in listed for shape in entry.values()]
