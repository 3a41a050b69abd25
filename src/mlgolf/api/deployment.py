"""Is an exported model the same as in training, and fast enough to ship?"""

import math
import platform
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from mlgolf.analysis.deployment.budget import Budget
from mlgolf.analysis.deployment.device import DeviceTable, Elsewhere, elsewhere
from mlgolf.analysis.deployment.latency import Latency, runs_needed
from mlgolf.analysis.deployment.quality import Quality
from mlgolf.analysis.deployment.shadow import Shadow, shadow
from mlgolf.analysis.deployment.suspects import (
    UNKNOWN,
    Suspect,
    of_agreement,
    of_eight_bits,
    slow_operators,
)
from mlgolf.analysis.deployment.verdict import (
    USUAL_DROP,
    Check,
    Judgement,
    checks,
    explained_above,
    verdict,
)
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Shown, Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import DeploymentError
from mlgolf.core.text import number_of
from mlgolf.deployment.arrays import DATA, REFERENCE
from mlgolf.deployment.asking import ask
from mlgolf.deployment.budget_file import read_budget
from mlgolf.deployment.checking import Measured, Order, Quantisation, measure, named_times
from mlgolf.deployment.device_tables import read_table, write_table
from mlgolf.deployment.eight_bits import EightBits
from mlgolf.deployment.from_trial import Export
from mlgolf.deployment.operators import rows_of_model
from mlgolf.deployment.shadowing import request_scores, scores_of_table
from mlgolf.diagnosis.measuring import cores_here
from mlgolf.plots.deployment import checks_chart, checks_table, shares_chart, throughput_chart
from mlgolf.plots.theme import Style
from mlgolf.referee.machine import load_average
from mlgolf.report import deployment as words

NAME = "deploy"  # of its files
MOST_EXAMPLES = 100  # numbers of changed ones in JSON
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, repr=False)
class Deployment(Saved):
    """A model that was checked. It displays itself, as text or in a notebook."""

    _name = NAME

    name: str
    measured: Measured
    checks: Sequence[Check]
    suspects: Sequence[Suspect]
    bound: float  # of parity
    elsewhere: Elsewhere | None = None
    exported: Export | None = None  # from a trial of a run
    notes: tuple[str, ...] = ()

    @property
    def judgement(self) -> Judgement:
        return verdict([*self.checks])

    @property
    def passed(self) -> bool:
        return self.judgement == "pass"

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per check."""
        return checks_table([
            (c.name, c.judgement, c.found, *(c.interval or (c.found, c.found)), c.bound)
            for c in self.checks if c.name != "throughput"  # the only bound from below
        ])

    def as_json(self) -> dict[str, Any]:
        measured, facts = self.measured, self.measured.facts
        failed = [check for check in self.checks if check.judgement != "pass"]
        growth = max(start.growth_bytes for start in measured.starts)
        return {
            "model": self.name, "passed": self.passed, "verdict": self.judgement,
            "reasons": [check.reason for check in failed],
            "checks": [asdict(check) for check in self.checks],
            "likely_faults": [asdict(suspect) for suspect in self.suspects],
            "parity": _parity(measured),
            "quality": _quality(facts.quality),
            "latency": _latency(facts.latency) if facts.latency else None,
            "throughput": [
                {
                    "batch_size": one.batch_size, "threads": one.threads,
                    "examples_per_second": one.examples_per_second, "p50_ms": one.p50_ms,
                    "p99_ms": one.quantiles["p99"].value,
                }
                for one in measured.grid
            ],
            "beside_reference": measured.beside_reference,
            "cold_start": {
                "total_ms": facts.cold_start_ms, "interval": facts.cold_start_interval,
                "starts": [asdict(start) for start in measured.starts],
            },
            "memory": {"peak_bytes": facts.memory_bytes, "growth_bytes": growth},
            "size": {"bytes": facts.size_bytes},
            "operators": [
                {"name": row.name, **asdict(row.time)} for row in measured.operators
            ],
            "quantisation": _eight_bits(measured.eight_bits) if measured.eight_bits else None,
            "elsewhere": asdict(self.elsewhere) if self.elsewhere else None,
            "exported": self.exported.as_json() if self.exported else None,
            "notes": [*measured.notes, *self.notes],
        }  # fmt: skip

    def _figure_table(self) -> pl.DataFrame:
        return self.table

    @cached_property
    def charts(self) -> list[Any]:
        measured = self.measured
        one = Style(submissions=("this model",))
        names = ["name", "value"]
        rows = [(name, 100 * share) for name, share, _ in words.operators(measured)]
        charts = [
            checks_chart(self.table, one),
            shares_chart(pl.DataFrame(rows, schema=names, orient="row"), one,
                         "Where a run's time goes", "share of a run (%)"),
        ]  # fmt: skip
        if len({latency.batch_size for latency in measured.grid}) > 1:
            table = pl.DataFrame([
                {
                    "batch_size": latency.batch_size,
                    "examples_per_second": latency.examples_per_second,
                    "submission": _threads(latency),
                }
                for latency in measured.grid
            ])
            lines = tuple(dict.fromkeys(map(_threads, measured.grid)))
            charts.append(throughput_chart(table, Style(submissions=lines)))
        eight = measured.eight_bits
        if eight is not None and any(layer.relative > 0 for layer in eight.layers):
            costs = [(c.layer, 100 * c.relative) for c in eight.layers[:words.MOST_ROWS]]
            table = pl.DataFrame(costs, schema=names, orient="row")
            charts.append(shares_chart(
                table, one, "8 bits of one layer alone", "outputs differ by (%)"
            ))  # fmt: skip
        return [chart for chart in charts if chart is not None]

    @property
    def title(self) -> str:
        return words.title(self.name, self.judgement, self.checks)

    def _panels(self) -> Sequence[Any]:
        return self.charts

    def _lines(self) -> Iterable[str]:
        there = words.elsewhere_sentences(self.elsewhere) if self.elsewhere else ()
        return [*words.sentences(self.measured), *there, *self.notes]

    def _tables(self) -> Iterable[Table]:
        measured, eight = self.measured, self.measured.eight_bits
        tables: list[Table] = [
            ("What is likely wrong", words.SUSPECT_HEADS, words.suspect_rows(self.suspects)),
            ("Layers from the first that differs", words.LAYER_HEADS[:3],
             words.gap_rows(measured, self.bound)),
            ("Latency and throughput", words.GRID_HEADS, words.grid_rows(measured)),
            ("Operators", words.OPERATOR_HEADS, words.operator_rows(measured)),
            ("8 bits of one layer alone", words.LAYER_HEADS, words.layer_rows(eight) if eight
             else []),
        ]  # fmt: skip
        first: Table = (self.title, words.CHECK_HEADS, words.check_rows(self.checks))
        return [first, *(table for table in tables if table[2])]


@disk_errors_told()
def deploy(
    model: AnyPath, *, reference: AnyPath | None = None, data: AnyPath | None = None,
    budget: AnyPath | Budget | None = None,
    quantise: Quantisation = "static", batch_sizes: Sequence[int] = (1, 8, 32),
    threads: Sequence[int] | None = None, runs: int = 2000, seconds: float = 10.0,
    on: AnyPath | None = None, here: AnyPath | None = None, examples: int = 1000,
    competition: AnyPath | None = None, data_dir: AnyPath | None = None,
    export_to: AnyPath | None = None, tell: Tell = lambda _: None, progress: bool = True,
) -> Deployment:
    """Check a model as ONNX against the outputs of its source framework, and measure it.

    Args:
      model: an ONNX file; or the folder of a trial, inside its run, whose model is then exported:
        reference and data come from the trial, too.
      reference: outputs (.npz, .npy, .safetensors), or another ONNX file.
      data: inputs by name, and `targets` if quality is to be compared.
      budget: a TOML file; without one, outputs have to agree and layers to be in inference mode.
      threads: for throughput besides the budget's; by default all cores.
      runs, seconds: latency is measured for as many runs, or as long.
      on: the table of another device; here: that of this one, which is measured if it is missing.
      examples: of a trial's data, at most so many. export_to: a folder for the files exported from
        a trial; None: they are not kept.
      competition, data_dir: as of `replay`, for a trial that is trained again.
      tell: hears what is being measured. progress: whether to show how training again goes.
    Raises: MLGolfError for files that cannot be compared.
    """
    bounds = budget if isinstance(budget, Budget) else (
        Budget() if budget is None else read_budget(Path(budget))
    )
    _check(runs, seconds, batch_sizes, threads or (), examples)
    there = None if on is None else read_table(Path(on))
    with tempfile.TemporaryDirectory() as scratch:
        exported = None
        if Path(model).is_dir():
            _check_that_it_comes_alone(model, reference, data)
            exported = _exported(
                Path(model), Path(export_to or scratch), competition=competition,
                data_dir=data_dir, examples=examples, batch_size=bounds.batch_size, tell=tell,
                progress=progress,
            )
            model, reference, data = exported.model, exported.reference, exported.data
        order = Order(
            model=_file(model, (".onnx",)), reference=_file(reference, REFERENCE, "reference"),
            data=_file(data, DATA, "data"), quantise=quantise, batch_sizes=tuple(batch_sizes),
            threads=tuple(threads or (cores_here(),)), runs=runs, seconds=seconds,
        )  # fmt: skip
        measured = measure(order, bounds, tell)
    judged = checks(measured.facts, bounds)
    bound = bounds.parity or explained_above(measured.facts.precision)
    prediction = None
    if there is not None:
        mine = read_table(Path(here)) if here else _device(None, bounds.threads, tell)
        prediction = elsewhere([row.time for row in measured.operators], mine, there)
    return Deployment(
        name=exported.trial if exported else order.model.name, measured=measured, checks=judged,
        suspects=[*_suspects(measured, bound, bounds)], bound=bound, elsewhere=prediction,
        exported=exported, notes=(*(exported.notes if exported else ()), *_busy()),
    )


def _exported(path: Path, folder: Path, **options: Any) -> Export:
    from mlgolf.api.exporting import exported  # whoever has a file needs nothing of playing

    return exported(path, folder, **options)


def _check_that_it_comes_alone(
    model: AnyPath, reference: AnyPath | None, data: AnyPath | None
) -> None:
    if reference is not None or data is not None:
        raise DeploymentError(
            f"{model} is a folder, and the trial of a run brings its own reference and data: give "
            "neither, or an ONNX file"
        )


def _suspects(measured: Measured, bound: float, budget: Budget) -> Iterable[Suspect]:
    eight = measured.eight_bits
    allowed = budget.quantised_quality_drop or USUAL_DROP
    costs = eight is not None and (
        eight.quality.interval[0] > allowed if eight.quality is not None
        else not eight.parity.changed_share <= allowed
    )
    facts = measured.facts
    if facts.precision == "8 bits":  # the model itself
        costs = not facts.parity.changed_share <= (budget.changed_decisions or USUAL_DROP)
    of_bits = [*of_eight_bits(eight.layers if eight else (), measured.cut_off, costs)]
    for suspect in of_agreement(facts, measured.tried, bound):
        if suspect.fault != UNKNOWN or not (of_bits and facts.precision == "8 bits"):
            yield suspect
    yield from of_bits
    yield from slow_operators(measured.operators, measured.doubles)


@dataclass(frozen=True, kw_only=True, repr=False)
class DeviceProfile(Shown):
    """What operators take on this device."""

    table: DeviceTable
    written: Path
    _columns: int = field(default=1, init=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "device": self.table.device, "threads": self.table.threads,
            "operators": len(self.table.rows), "written": str(self.written),
        }

    def _panels(self) -> Sequence[Any]:
        return []

    def _tables(self) -> Iterable[Table]:
        kinds = sorted({row.operator for row in self.table.rows})
        rows = [
            (kind, str(len(times)), f"{1e6 * min(times):.3g}", f"{1e6 * max(times):.3g}")
            for kind in kinds
            if (times := [row.seconds for row in self.table.rows if row.operator == kind])
        ]
        return [(f"Operators of {self.table.device}", ("operator", "shapes", "least µs",
                                                       "most µs"), rows)]  # fmt: skip

    def _lines(self) -> Iterable[str]:
        return [f"wrote {self.written}: carry it to another machine, for mlgolf deploy --on"]


@disk_errors_told()
def profile_device(
    to: AnyPath, *, model: AnyPath | None = None, data: AnyPath | None = None, threads: int = 1,
    name: str = "", tell: Tell = lambda _: None,
) -> DeviceProfile:
    """Measure what operators take on this device, those of a model among them, into a CSV.

    Args: model, data: a model whose operators are to be measured in their own shapes, and inputs.
    """
    if (model is None) != (data is None):
        raise DeploymentError("found a model without data, or data without a model; give both")
    if Path(to).suffix != ".csv":
        raise DeploymentError(f"{to}: found {Path(to).suffix or 'no suffix'}, allowed is .csv")
    table = _device(name or None, threads, tell)
    if model is not None and data is not None:
        rows = rows_of_model(_file(model, (".onnx",)), _file(data, DATA), threads)
        own = [row.time for row in named_times(rows)]
        keys = {row.key for row in own}
        rest = [row for row in table.rows if row.key not in keys]
        table = DeviceTable(device=table.device, threads=threads, rows=(*own, *rest))
    write_table(Path(to), table)
    return DeviceProfile(table=table, written=Path(to))


def _device(name: str | None, threads: int, tell: Tell) -> DeviceTable:
    tell("measuring operators of this device")
    rows = named_times(ask("operators", threads=threads)["operators"])
    return DeviceTable(
        device=name or platform.node(), threads=threads, rows=tuple(row.time for row in rows)
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class ShadowComparison(Shown):
    """Two models on the same requests."""

    found: Shadow

    @property
    def decision(self) -> Literal["switch", "roll back", "go on"]:
        return self.found.decision

    def as_json(self) -> dict[str, Any]:
        return asdict(self.found)

    def _panels(self) -> Sequence[Any]:
        return []

    def _tables(self) -> Iterable[Table]:
        found = self.found
        rows = [(found.decision, f"{found.at:,}", f"{found.requests:,}",
                 f"{found.difference:+.4f}")]  # fmt: skip
        heads = ("result", "decided at request", "requests", "difference")
        return [(words.shadow_title(found), heads, rows)]

    def _lines(self) -> Iterable[str]:
        return words.shadow_sentences(self.found)


def shadow_compare(
    new: AnyPath, old: AnyPath | None = None, data: AnyPath | None = None, *, margin: float = 0.0
) -> ShadowComparison:
    """May a new model replace the old one? By requests in their order, valid at every time.

    Args:
      new, old: ONNX files, compared on data with `targets`; or new is a table of requests with the
        columns `old` and `new`: the score of each, from 0 to 1.
      margin: how much worse the new model may be.
    """
    if old is None or data is None:
        of_old, of_new = scores_of_table(Path(new))
    else:
        onnx = (".onnx",)
        of_old, of_new = request_scores(_file(new, onnx), _file(old, onnx), _file(data, DATA))
    return ShadowComparison(found=shadow(of_old, of_new, margin=margin))


def _file(path: AnyPath | None, allowed: Sequence[str], what: str = "model") -> Path:
    if path is None:
        raise DeploymentError(
            f"missing {what}: with an ONNX file give a reference, outputs of the source framework, "
            "and data, the inputs that gave them. Only the folder of a trial brings its own"
        )
    found = Path(path)
    if not found.exists():
        raise DeploymentError(f"{found}: no such file")
    if found.is_dir() and what == "model":
        raise DeploymentError(
            f"{found}: found a folder, allowed is an ONNX file. For a trial, mlgolf deploy TRIAL "
            "-o FOLDER writes it"
        )
    if found.suffix not in allowed and found.is_file() and allowed != (".onnx",):
        raise DeploymentError(
            f"{found}: found {found.suffix or 'no suffix'}, allowed are {', '.join(allowed)}"
        )
    return found


def _check(
    runs: int, seconds: float, sizes: Sequence[int], threads: Sequence[int], examples: int
) -> None:
    for name, value, least in (
        ("runs", runs, 20), ("seconds", seconds, 0.01), ("examples", examples, 1),
        *(("batch size", s, 1) for s in sizes), *(("threads", t, 1) for t in threads),
    ):  # fmt: skip
        if not (math.isfinite(value) and value >= least):
            raise DeploymentError(f"{name}: found {value:g}, allowed is {least:g} or more")


def _busy() -> Iterable[str]:
    busy = load_average()
    if busy > cores_here() + 0.5:
        yield (
            f"the machine was busy (load average {busy:.1f} on {number_of(cores_here(), 'core')}): "
            "measure latency again when nothing else runs"
        )


def _threads(latency: Latency) -> str:
    return f"{latency.threads} thread{'s' * (latency.threads > 1)}"


def _parity(measured: Measured) -> dict[str, Any]:
    parity = measured.facts.parity
    worst = parity.worst
    changed = parity.changed
    order = np.argsort(-parity.by_example, kind="stable")[:10]
    return {
        "largest": worst.largest, "mean": worst.mean, "relative": worst.relative,
        "cosine": worst.cosine, "examples": parity.num_examples,
        "changed": None if changed is None else len(changed),
        "changed_share": None if changed is None else parity.changed_share,
        "changed_examples": None if changed is None else changed[:MOST_EXAMPLES].tolist(),
        "worst_examples": order.tolist(),
        "outputs": [asdict(output) for output in parity.outputs],
        "layers": [asdict(layer) for layer in measured.layers],
    }


def _quality(quality: Quality | None) -> dict[str, Any] | None:
    return asdict(quality) if quality else None


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        **{f"{name}_ms": one.value for name, one in latency.quantiles.items()},
        "intervals": {f"{name}_ms": one.interval for name, one in latency.quantiles.items()},
        "effective_runs": {
            f"{name}_ms": one.effective_runs for name, one in latency.quantiles.items()
        },
        "mean_ms": latency.mean_ms, "runs": latency.runs, "runs_needed_for_p99": runs_needed(0.99),
        "batch_size": latency.batch_size, "threads": latency.threads,
    }


def _eight_bits(eight: EightBits) -> dict[str, Any]:
    return {
        "how": eight.how, "calibrated_on": eight.calibrated,
        "relative": eight.parity.worst.relative,
        "changed_share": eight.parity.changed_share, "quality": _quality(eight.quality),
        "size_bytes": eight.size_bytes, "latency": _latency(eight.latency),
        "speedup": eight.speedup, "layers": [asdict(layer) for layer in eight.layers],
        "layers_left_out": eight.left_out,
        "by_channel_relative": eight.by_channel.worst.relative if eight.by_channel else None,
        "without_costliest_relative": (
            eight.without_worst.worst.relative if eight.without_worst else None
        ),
    }
