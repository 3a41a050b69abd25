"""Measures the step of a workload: its parts, its batch and thread sweep, its memory."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlgolf.analysis.bottleneck import Measurements
from mlgolf.analysis.roofline import Ceilings, floor_of
from mlgolf.backends import load_backend
from mlgolf.core.arrays import map_arrays
from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import number_of
from mlgolf.data import layout
from mlgolf.diagnosis.job import Job, JobPlan, Loader, batch_size_of, build, checked, loader_of
from mlgolf.diagnosis.memory import Fits, largest_that_fits
from mlgolf.diagnosis.method_facts import DataKind
from mlgolf.diagnosis.timing import clock_for, in_turns

PARTS_SECONDS, LOADING_SECONDS, SWEEP_SECONDS = 6.0, 4.0, 4.0  # what may be spent on each
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of a workload, and what it takes to say what would be elsewhere."""

    measurements: Measurements
    batch_bytes: float  # of one batch
    data: DataKind
    cores: int


def cores_here() -> int:
    return len(os.sched_getaffinity(0))


def measure(
    plan: JobPlan, ceilings: Callable[[int], Ceilings], *, memory_limit: float | None = None,
    tell: Tell = lambda _: None,
) -> Measured:
    """Args:
      ceilings: threads -> those of this machine, once the framework is set up.
      memory_limit: bytes that the step may take; None: what is free.
      tell: hears what is being measured.
    Raises: MLGolfError for names that nobody offers, or data that are not there.
    """
    threads = plan.threads or cores_here()
    workload, _ = checked(plan)
    layout.ensure(workload, plan.size, Path(plan.data_dir), tell)
    tell("looking for the largest batch that fits into memory")
    asked = batch_size_of(plan)
    fits = largest_that_fits(plan, asked, memory_limit)
    if not fits.largest:
        raise DiagnosisError(
            f"{plan.workload}: not even a batch of {fits.smallest} fits into "
            f"{fits.limit / 1e9:.3g} GB, so there is no step to measure. {fits.said} Give more "
            "memory (--memory-limit) or take a smaller size."
        )
    batch_size = min(asked, fits.largest)
    tell(f"measuring steps of {number_of(batch_size, 'example')}, {number_of(threads, 'thread')}")
    with load_backend(plan.framework).settings_kept():
        return _measured(plan, fits, asked, ceilings)


def _measured(
    plan: JobPlan, fits: Fits, asked: int, ceilings: Callable[[int], Ceilings]
) -> Measured:
    batch_size, threads = min(asked, fits.largest), plan.threads or cores_here()
    job, loader = build(plan), loader_of(plan)
    steps = _Steps(job, loader, batch_size, clock_for(job.device, threads))
    parts = steps.parts()
    by_threads = steps.by_threads(threads)
    by_batch = steps.by_batch(fits.largest)
    operations = job.operations(steps.kept)
    known = ceilings(threads)
    return Measured(
        measurements=Measurements(
            real=parts["real"], replay=parts["replay"], load=parts["load"], copy=parts["copy"],
            forward=parts["forward"],
            backward=max(0.0, parts["forward_backward"] - parts["forward"]),
            optimizer=max(0.0, parts["replay"] - parts["forward_backward"]),
            batch_size=batch_size, asked_batch_size=asked, by_batch=by_batch, threads=threads,
            by_threads=by_threads, device=job.device, ran_out=fits.largest < asked,
            floor=floor_of(operations, known) if operations else None,
            peak_memory=fits.peak, memory_limit=fits.limit, largest_batch=fits.largest,
            largest_is_limit=fits.is_limit,
        ),
        batch_bytes=_bytes_of(steps.host), data=_kind_of(steps.host), cores=cores_here(),
    )


class _Steps:
    """A job with batches of one size at hand."""

    def __init__(
        self, job: Job, loader: Loader, batch_size: int, clock: Callable[[], float]
    ) -> None:
        self._job, self._loader, self._batch_size = job, loader, batch_size
        self._clock = clock
        self._stream: Iterator[Any] = loader.batches(batch_size)
        self.host = next(self._stream)
        self.kept = job.place(self.host)

    def parts(self) -> dict[str, float]:
        job = self._job
        loading = {
            "real": lambda: job.step(job.place(next(self._stream))),
            "load": lambda: next(self._stream),
        }
        works = {
            "replay": lambda: job.step(self.kept),
            "copy": lambda: job.place(self.host),
            "forward": lambda: job.forward(self.kept),
            "forward_backward": lambda: job.forward_backward(self.kept),
        }
        without = in_turns(works, job.synchronize, seconds=PARTS_SECONDS, clock=self._clock)
        return without | in_turns(loading, job.synchronize, seconds=LOADING_SECONDS)

    def by_batch(self, largest: int) -> dict[int, float]:
        """Half as large, as it is, and twice as large where that fits."""
        size = self._batch_size
        sizes = [n for n in (size // 2, size, 2 * size) if 1 <= n <= largest]
        kept = {n: self._job.place(next(self._loader.batches(n))) for n in sizes}
        works = {str(n): partial(self._job.step, batch) for n, batch in kept.items()}
        found = in_turns(
            works, self._job.synchronize, seconds=SWEEP_SECONDS, clock=self._clock
        )
        return {int(n): seconds for n, seconds in found.items()}

    def by_threads(self, threads: int) -> dict[int, float]:
        """Powers of two up to the cores there are, and the number in use."""
        counts = sorted({*(2**k for k in range(10) if 2**k <= cores_here()), threads})
        if len(counts) < 2 or self._job.device != "cpu" or not self._job.use_threads(threads):
            return {}

        def step_with(count: int) -> None:
            self._job.use_threads(count)
            self._job.step(self.kept)

        works = {str(n): partial(step_with, n) for n in counts}
        found = in_turns(works, self._job.synchronize, seconds=SWEEP_SECONDS)
        self._job.use_threads(threads)
        return {int(n): seconds for n, seconds in found.items()}


def _kind_of(batch: Mapping[str, Any]) -> DataKind:
    """By the form of the inputs: rows, columns and colours; or numbers of tokens."""
    inputs = batch.get("inputs")
    if getattr(inputs, "ndim", 0) == 4:
        return "images"
    tokens = getattr(inputs, "ndim", 0) == 2 and inputs.dtype.kind in "iu"  # type: ignore[union-attr]
    return "tokens" if tokens else "other"


def _bytes_of(batch: Any) -> float:
    sizes: list[int] = []
    map_arrays(lambda array: sizes.append(array.nbytes), batch)
    return float(sum(sizes))


