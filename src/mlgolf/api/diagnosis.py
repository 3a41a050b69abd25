"""Where the time of a training step goes, what holds it back, and what to try."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.analysis.diagnosis.advice import Advice, advised
from mlgolf.analysis.diagnosis.bottleneck import (
    Diagnosis,
    Measurements,
    diagnosed,
    in_words,
    is_busy,
)
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.analysis.diagnosis.what_if import WhatIf, on_instance
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import number_of
from mlgolf.data.layout import default_data_dir
from mlgolf.diagnosis import ceilings as machine_ceilings
from mlgolf.diagnosis.data_kind import DataKind
from mlgolf.diagnosis.instances import instance
from mlgolf.diagnosis.job import JobPlan
from mlgolf.diagnosis.measuring import cores_here
from mlgolf.diagnosis.method_facts import method_facts
from mlgolf.diagnosis.scripts import (
    SECONDS,
    STEPS,
    STEPS_ENDING,
    measurements_of,
    run,
    stored,
    why_not_counted,
)
from mlgolf.diagnosis.workloads import measure
from mlgolf.plots.step_time import PARTS, roofline_chart, step_time_chart, step_time_table
from mlgolf.plots.theme import Style
from mlgolf.referee.machine import load_average
from mlgolf.report.diagnosis import (
    ADVICE_HEADS,
    PART_HEADS,
    SWEEP_HEADS,
    THREAD_HEADS,
    advice_rows,
    measured_of,
    part_rows,
    sentences,
    sweep_rows,
    thread_rows,
    title,
)

NAME = "step_time"  # of its files
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, repr=False)
class StepDiagnosis(Saved):
    """What holds a step back. It displays itself, as text or in a notebook."""

    name: str
    found: Diagnosis
    advice: list[Advice]
    ceilings: Ceilings | None
    elsewhere: WhatIf | None
    warnings: tuple[str, ...] = ()  # what to know before believing any of it

    _name, _columns, _heads_figure = NAME, 1, False

    @property
    def bottleneck(self) -> str:
        return self.found.bottleneck

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per part of the step."""
        return step_time_table(self.found)

    def as_json(self) -> dict[str, Any]:
        found, what = self.found, self.elsewhere
        return {
            "name": self.name, "bottleneck": found.bottleneck, "shares": dict(found.shares),
            "step_seconds": found.step_seconds,
            "ceilings": asdict(self.ceilings) if self.ceilings else {},
            "advice": [
                {
                    "method": a.method, "expected_gain": a.expected_gain, "why": a.why,
                    "loads_bottleneck": a.loads_bottleneck,
                }
                for a in self.advice
            ],
            "findings": [asdict(finding) for finding in found.findings],
            "measured": _keyed_by_text(asdict(found.measured)),
            "elsewhere": {**asdict(what), "seconds": dict(what.seconds)} if what else None,
            "notes": [*self.warnings, *found.notes],
        }

    def save(self, folder: AnyPath) -> list[Path]:
        """Write the figure as SVG and PNG, light and dark, its table, and a page of everything.

        Nothing is written where memory ran out before a step could be measured.
        """
        return super().save(folder) if self.found.shares else []

    def _figure_table(self) -> pl.DataFrame:
        return self.table

    @property
    def charts(self) -> list[Any]:
        if not self.found.shares:
            return []
        style = Style(submissions=PARTS)
        head = f"Bottleneck: {in_words(self.bottleneck)}"
        bar = step_time_chart(self.table, style, head, measured_of(self.name, self.found))
        roof = roofline_chart(self.found, self.ceilings, style) if self.ceilings else None
        return [bar] if roof is None else [bar, roof]

    @property
    def title(self) -> str:
        return title(self.name, self.found)

    @property
    def lines(self) -> list[str]:
        return [*sentences(self.found, self.ceilings, self.elsewhere)]

    def _warnings(self) -> Iterable[str]:
        return self.warnings

    def _panels(self) -> Sequence[Any]:
        return self.charts

    def _lines(self) -> Iterable[str]:
        return self.lines

    def _tables(self) -> Iterable[Table]:
        found = self.found
        tables = [
            (self.title, PART_HEADS, part_rows(found)),
            ("what to try", ADVICE_HEADS, advice_rows(self.advice)),
            ("by batch", SWEEP_HEADS, sweep_rows(found)),
            ("by threads", THREAD_HEADS, thread_rows(found)),
        ]
        return [(head, heads, rows) for head, heads, rows in tables if rows or head == self.title]


@disk_errors_told()
def diagnose(
    workload: str, *, size: str = "mini", framework: str = "torch", submission: str = "nadamw",
    batch_size: int | None = None, threads: int = 1, memory_limit: float | None = None,
    on: str | None = None, data_dir: AnyPath | None = None, fresh_ceilings: bool = False,
    tell: Tell = lambda _: None,
) -> StepDiagnosis:
    """Measure the step of a submission on a workload, and say what holds it back.

    Args:
      threads: as many as trials of mini have; 0: all cores.
      memory_limit: bytes that the step may take; None: what is free.
      on: an instance type, to say what would bound the step there.
      fresh_ceilings: measure what this machine can do anew.
      tell: hears what is being measured.
    Raises: MLGolfError for names that nobody offers.
    """
    _check_numbers(batch_size, threads, memory_limit)
    there = instance(on) if on else None
    place = Path(data_dir) if data_dir is not None else default_data_dir()
    plan = JobPlan(
        workload=workload, size=size, framework=framework, submission=submission,
        data_dir=str(place), batch_size=batch_size, threads=threads,
    )
    measured = measure(
        plan, memory_limit=memory_limit, fresh_ceilings=fresh_ceilings, tell=tell
    )
    here, found = measured.ceilings, diagnosed(measured.measurements)
    elsewhere = None
    if there is not None:
        elsewhere = on_instance(
            found, here, there, cores=1, batch_bytes=measured.batch_bytes
        )
    name = f"{submission} on {workload} ({size}, {framework})"
    return _told(name, found, here, elsewhere, measured.data)


@disk_errors_told()
def diagnose_script(
    script: AnyPath, arguments: Sequence[str] = (), *, processes: int = 1,
    memory_limit: float | None = None, on: str | None = None, data_dir: AnyPath | None = None,
    fresh_ceilings: bool = False, tell: Tell = lambda _: None,
) -> StepDiagnosis:
    """Run a script whose loop is under `observe`, and say what holds its step back.

    Args:
      script: or the steps.json that it wrote when it was run as usual; then nothing is run, and
        operations and other numbers of threads are not known.
      processes: that torchrun starts, for a script that trains in several of them.
    Raises: DiagnosisError for a script that fails, or that never calls the step.
    """
    _check_numbers(None, 0, memory_limit, processes)
    there = instance(on) if on else None
    place = Path(data_dir) if data_dir is not None else default_data_dir()
    path = Path(script)
    used: list[Ceilings] = []

    def known(framework: str, threads: int) -> Ceilings:
        used.append(machine_ceilings.ceilings(
            place, framework, min(threads, cores_here()), fresh=fresh_ceilings, tell=tell
        ))  # fmt: skip
        return used[-1]

    if path.suffix == STEPS_ENDING:
        ran, memory_limit = stored(path), memory_limit or math.nan
    else:
        tell(f"running {path} until it has done {STEPS} steps, or some for {SECONDS:.0f} seconds")
        ran = run(path, arguments, memory_limit=memory_limit, processes=processes)
    found = diagnosed(measurements_of(path, ran, known, memory_limit))
    here = used[-1] if used else None
    elsewhere = None
    if there is not None and not found.measured.ran_out:  # then there is no step to speak of
        if here is None:
            raise DiagnosisError(f"--on {on}: {why_not_counted(path, ran)}; leave --on out")
        elsewhere = on_instance(found, here, there, cores=1, batch_bytes=0.0)
    return _told(path.name, found, here, elsewhere, ran.told.get("data"))


def _told(
    name: str, found: Diagnosis, here: Ceilings | None, elsewhere: WhatIf | None,
    data: DataKind | None = None,
) -> StepDiagnosis:
    advice = advised(found, method_facts(found.measured.device, data), cores_here())
    return StepDiagnosis(
        name=name, found=found, advice=advice, ceilings=here, elsewhere=elsewhere,
        warnings=tuple(_busy(found.measured)),
    )


def _busy(measured: Measurements) -> Iterator[str]:
    """By what others used while steps were timed; where that is not known, by the load now."""
    again = "measure again when nothing else runs, before you believe these shares"
    if measured.cores:
        if is_busy(measured):
            yield (
                f"the machine was busy: other programs used {measured.other_cores:.1f} of "
                f"{number_of(measured.cores, 'core')} while steps were timed; {again}"
            )
    elif (load := load_average()) > cores_here() + 0.5:
        yield (
            f"the machine was busy (load average {load:.1f} on {number_of(cores_here(), 'core')}); "
            f"{again}"
        )


def _check_numbers(
    batch_size: int | None, threads: int, memory_limit: float | None, processes: int = 1
) -> None:
    for name, value, least in (
        ("batch size", batch_size, 1), ("threads", threads, 0), ("memory limit", memory_limit, 1),
        ("processes", processes, 1),
    ):  # fmt: skip
        if value is not None and (value < least or not math.isfinite(value)):
            raise DiagnosisError(f"{name}: found {value:g}, allowed is {least} or more")


def _keyed_by_text(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it."""
    return {
        name: {str(k): v for k, v in value.items()} if isinstance(value, dict) else value
        for name, value in record.items()
    }
