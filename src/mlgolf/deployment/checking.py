"""A model against its reference, then its speed and size: everything that is measured, in order."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlgolf.analysis.deployment.budget import Budget
from mlgolf.analysis.deployment.device import OperatorTime
from mlgolf.analysis.deployment.latency import Latency, latency
from mlgolf.analysis.deployment.parity import compare
from mlgolf.analysis.deployment.quality import Quality, quality_of
from mlgolf.analysis.deployment.suspects import NamedTime, Undone
from mlgolf.analysis.deployment.verdict import Facts, explained_above
from mlgolf.core.errors import DeploymentError
from mlgolf.deployment.arrays import REFERENCE, matched, read_arrays, read_data
from mlgolf.deployment.asking import ask
from mlgolf.deployment.eight_bits import EightBits, cut_off_of, in_eight_bits
from mlgolf.deployment.node_names import name_in_model

Tell = Callable[[str], None]
Quantisation = Literal["static", "dynamic", "none"]
BATCH = 32  # in which outputs are computed
STARTS = 6  # of the range of so many, all hold the median in 97% of cases

@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be checked, and how long that may take."""

    model: Path
    reference: Path
    data: Path
    quantise: Quantisation
    batch_sizes: tuple[int, ...]
    threads: tuple[int, ...]
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Of a process that has done nothing else."""

    import_ms: float
    session_ms: float
    first_run_ms: float
    peak_bytes: float  # of the whole process
    growth_bytes: float  # of that by the session and its runs

    @property
    def total_ms(self) -> float:
        return self.session_ms + self.first_run_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerGap:
    value: str
    operator: str
    relative: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    facts: Facts
    grid: tuple[Latency, ...]
    starts: tuple[Start, ...]
    operators: tuple[NamedTime, ...]
    tried: tuple[Undone, ...] = ()
    layers: tuple[LayerGap, ...] = ()
    eight_bits: EightBits | None = None
    cut_off: tuple[Any, ...] = ()
    doubles: tuple[str, ...] = ()
    beside_reference: float | None = None  # p50 of the model to that of a reference in ONNX
    opset: int = 0
    notes: tuple[str, ...] = field(default=())


def measure(order: Order, budget: Budget, tell: Tell = lambda _: None) -> Measured:
    """Raises: DeploymentError for files that cannot be compared."""
    told = ask("inspect", model=order.model)
    inputs, targets = read_data(order.data)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "inputs.npz"
        np.savez(data, **inputs)  # type: ignore[arg-type]
        tell("comparing outputs")
        to = folder / "found.npz"
        ran = ask("outputs", model=order.model, data=data, to=to, batch_size=BATCH)
        found = dict(np.load(to))
        expected = _reference(order, data, found, folder)
        parity = compare(expected, {name: found[name] for name in expected})
        _check_that_there_is_an_answer(inputs, expected, order.data)
        np.savez(folder / "expected.npz", **expected)  # type: ignore[arg-type]
        facts = {
            "parity": parity, "precision": told["precision"],
            "quality": _quality(expected, found, targets, order.data),
            "size_bytes": float(told["bytes"]),
            "training_layers": tuple(told["training"]), "varies": ran["varies"],
            "depends_on_batch": ran["depends_on_batch"],
            "not_finite": tuple(_not_finite(inputs)),
        }
        bound = budget.parity or explained_above(told["precision"])
        tried, layers = (), ()
        if parity.worst.relative > bound:
            tell("looking for the reason of the difference")
            tried, layers = _explained(order, data, folder)
        timed = _timed(order, budget, data, folder, ran["fixed_batch"], tell)
        operators = tuple(
            replace(row, name=name_in_model(row.name, row.time.operator, told["named"]))
            for row in timed["operators"]
        )
        eight, cut, notes = None, (), []
        if told["precision"] == "8 bits":
            cut = cut_off_of(order.model, data, BATCH)
        elif order.quantise != "none":
            tell("quantising to 8 bits")
            try:
                eight = in_eight_bits(
                    order.model, data, folder, order.quantise, found, targets,
                    timed["latency"].batch_size, budget.threads, BATCH,
                )
            except DeploymentError as error:
                notes.append(str(error))
    return Measured(
        facts=Facts(
            **facts, latency=timed["latency"], throughput=timed["throughput"],
            quantised=eight.quality if eight else None, **_of_starts(timed["starts"]),
        ),
        grid=timed["grid"], starts=timed["starts"], operators=operators,
        beside_reference=timed["ratio"], tried=tried, layers=layers, eight_bits=eight, cut_off=cut,
        doubles=tuple(told["doubles"]), opset=told["opset"], notes=tuple(notes),
    )  # fmt: skip


def _reference(
    order: Order, data: Path, found: dict[str, NDArray], folder: Path
) -> dict[str, NDArray]:
    """Its outputs by the names of the model's."""
    if order.reference.suffix != ".onnx":
        given = read_arrays(order.reference, REFERENCE)
        return matched(given, found, order.reference)
    ask("inspect", model=order.reference)
    to = folder / "reference.npz"
    ask("outputs", model=order.reference, data=data, to=to, batch_size=BATCH, repeat=False)
    given = dict(np.load(to))
    if not set(given) & set(found) and len(given) == len(found):
        # In order: exporters name outputs as they like.
        return dict(zip(found, given.values(), strict=True))
    return matched(given, found, order.reference)


def _check_that_there_is_an_answer(
    inputs: dict[str, NDArray], expected: dict[str, NDArray], file: Path
) -> None:
    """NaN in an input may mean that it is missing; an answer of NaN to it shows nothing."""
    no_answer = set.union(*(_where_nan(array) for array in expected.values()))
    for name, array in inputs.items():
        lost = sorted(_where_nan(array) & no_answer)
        if lost:
            raise DeploymentError(
                f"{file}: input {name!r}: example {lost[0]}: found NaN, and the reference's output "
                f"is NaN, too, as for {len(lost):,} of {len(array):,} examples, so that nothing "
                "can be compared. Leave these examples out, or give numbers"
            )


def _where_nan(array: NDArray) -> set[int]:
    """Numbers of examples."""
    return {int(place[0]) for place in np.argwhere(np.isnan(array))}


def _not_finite(inputs: dict[str, NDArray]) -> Iterator[str]:
    for name, array in inputs.items():
        rows = np.unique(np.argwhere(~np.isfinite(array))[:, 0])
        if len(rows):
            yield (
                f"input {name!r} has NaN or infinity in {len(rows):,} of {len(array):,} examples, "
                f"first in example {rows[0]}"
            )


def _quality(
    expected: dict[str, NDArray], found: dict[str, NDArray], targets: NDArray | None, file: Path
) -> Quality | None:
    if targets is None:
        return None
    name = next(iter(expected))  # the first output is that which targets are of
    if expected[name].shape != found[name].shape:
        return None
    try:
        return quality_of(expected[name], found[name], targets)
    except DeploymentError as error:
        raise DeploymentError(f"{file}: {error}") from None


def _explained(
    order: Order, data: Path, folder: Path
) -> tuple[tuple[Undone, ...], tuple[LayerGap, ...]]:
    undone = ask("undo", model=order.model, data=data, reference=folder / "expected.npz")
    inner = order.reference
    if inner.suffix not in (".onnx", ".npz"):
        return tuple(Undone(**row) for row in undone["tried"]), ()
    rows = ask("layers", model=order.model, data=data, reference=inner, batch_size=BATCH)["layers"]
    return (
        tuple(Undone(**row) for row in undone["tried"]), tuple(LayerGap(**row) for row in rows)
    )


def _timed(
    order: Order, budget: Budget, data: Path, folder: Path, fixed: int | None, tell: Tell
) -> dict[str, Any]:
    tell("starting it anew, several times")
    main = fixed or budget.batch_size
    common = {"model": order.model, "data": data}
    starts = tuple(
        Start(**ask("start", **common, batch_size=main, threads=budget.threads))
        for _ in range(STARTS)
    )
    tell("timing runs")
    sizes = list(dict.fromkeys([main, *order.batch_sizes])) if fixed is None else [fixed]
    grid, ratio, first = [], None, None
    for threads in dict.fromkeys([budget.threads, *order.threads]):
        to = folder / f"seconds_{threads}.npz"
        is_main = threads == budget.threads
        other = order.reference if order.reference.suffix == ".onnx" and is_main else ""
        share = 1.0 if is_main else 0.1
        ask(
            "latency", **common, to=to, batch_sizes=sizes, threads=threads,
            runs=max(20, int(share * order.runs)), seconds=share * order.seconds, other=other,
        )
        seconds = dict(np.load(to))
        grid += [latency(seconds[f"b{s}"], batch_size=s, threads=threads) for s in sizes]
        if is_main:
            first = grid[0]
        if other:
            ratio = float(np.median(seconds[f"b{sizes[0]}"]) / np.median(seconds["other"]))
    assert first is not None
    rows = ask("profile", **common, batch_size=main, threads=budget.threads)["operators"]
    return {
        "latency": first, "grid": tuple(grid), "starts": starts, "ratio": ratio,
        "operators": named_times(rows),
        "throughput": max(
            (one for one in grid if one.threads == budget.threads),
            key=lambda one: one.examples_per_second,
        ),
    }


def named_times(rows: Sequence[dict[str, Any]]) -> tuple[NamedTime, ...]:
    """As a profile tells them."""
    return tuple(
        NamedTime(name=row["name"], time=OperatorTime(
            operator=row["operator"], dtype=row["dtype"],
            inputs=tuple(map(tuple, row["inputs"])), outputs=tuple(map(tuple, row["outputs"])),
            seconds=row["seconds"], count=row["count"],
        )) for row in rows
    )  # fmt: skip


def _of_starts(starts: Sequence[Start]) -> dict[str, Any]:
    totals = [start.total_ms for start in starts]
    return {
        "cold_start_ms": float(np.median(totals)),
        "cold_start_interval": (min(totals), max(totals)),
        "memory_bytes": max(start.peak_bytes for start in starts),
    }


