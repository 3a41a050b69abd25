"""Measures the step of a workload: its parts, its batch and thread sweep, its memory.

This runs in a process of its own (`measuring_child.py`), with the environment of a trial.
"""

import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from time import perf_counter
from typing import Any

from mlgolf.analysis.diagnosis.bottleneck import Measurements
from mlgolf.analysis.diagnosis.roofline import Ceilings, floor_of
from mlgolf.core.arrays import map_arrays
from mlgolf.diagnosis.data_kind import DataKind, data_kind
from mlgolf.diagnosis.job import Job, JobPlan, Loader, Phases, build, loader_of
from mlgolf.diagnosis.memory import Fits
from mlgolf.diagnosis.timing import clock_for, in_turns

# What may be spent on each.
PARTS_SECONDS, PHASES_SECONDS, LOADING_SECONDS, SWEEP_SECONDS = 4.0, 2.0, 4.0, 4.0
SLOW_SECONDS = 0.6  # of a step: beyond that other batches and threads are not tried
PHASES_STEPS = 200  # at most
ISSUED_STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of a workload, and what it takes to say what would be elsewhere."""

    measurements: Measurements
    ceilings: Ceilings
    batch_bytes: float  # of one batch
    data: DataKind | None


def cores_here() -> int:
    return len(os.sched_getaffinity(0))


def measure_steps(
    plan: JobPlan, fits: Fits, asked: int, ceilings: Callable[[int], Ceilings]
) -> Measured:
    """Args:
      fits: what is known of its memory; the largest batch is at least 1.
      asked: the batch size that a trial would have.
      ceilings: threads -> those of this machine, once the framework is set up.
    """
    batch_size, threads = min(asked, fits.largest), plan.threads
    job, loader = build(plan), loader_of(plan)
    steps = Steps(job, loader, batch_size, clock_for(job.device, threads))
    replay, phases = steps.replayed()
    waiting = steps.waiting()
    by_threads = steps.by_threads(threads, replay)
    by_batch = steps.by_batch(fits.largest, replay)
    operations = job.operations(steps.kept)
    known = ceilings(threads)
    return Measured(
        measurements=Measurements(
            real=replay + waiting["wait"], replay=replay, repeats=steps.repeats,
            load=waiting["load"], copy=waiting["copy"], issued=steps.issued(),
            forward=phases.forward, backward=phases.backward, optimizer=phases.optimizer,
            batch_size=batch_size, asked_batch_size=asked, by_batch=by_batch, threads=threads,
            by_threads=by_threads, device=job.device, ran_out=fits.largest < asked,
            floor=floor_of(operations, known) if operations else None,
            profile=job.operation_times(steps.kept), gradient_bytes=job.gradient_bytes(),
            peak_memory=fits.peak, memory_limit=fits.limit, largest_batch=fits.largest,
            largest_is_limit=fits.is_limit,
        ),
        ceilings=known, batch_bytes=_bytes_of(steps.host), data=data_kind(steps.host.get("inputs")),
    )


class Steps:
    """A job with batches of one size at hand."""

    def __init__(
        self, job: Job, loader: Loader, batch_size: int, clock: Callable[[], float],
        wall: Callable[[], float] = perf_counter,
    ) -> None:
        """Does one step, so that it is known what the submission asks of the network.

        Args: clock: for what does not wait; wall: for what does.
        """
        self._job, self._loader, self._batch_size = job, loader, batch_size
        self._clock, self._wall = clock, wall
        self._stream: Iterator[Any] = loader.batches(batch_size)
        self.host = next(self._stream)
        self.kept = job.place(self.host)
        self._again = repeat(self.kept)
        self.repeats = -1  # of the step by itself: the first of `in_turns` does not count
        job.step(self._again)

    def replayed(self) -> tuple[float, Phases]:
        """Seconds of a step on a batch that is kept, and of its phases."""
        def step() -> None:
            self.repeats += 1
            self._job.step(self._again)

        works = {"replay": step}
        if self._job.phases(self._again, self._clock) is None:
            return self._by_difference(works)
        replay = in_turns(
            works, self._job.synchronize, seconds=PARTS_SECONDS, clock=self._clock
        )["replay"]
        return replay, self._within(replay)

    def _within(self, replay: float) -> Phases:
        """Each phase timed inside the step; together they are as long as it is by itself."""
        found: list[Phases] = []
        began = self._wall()
        while len(found) < PHASES_STEPS and (not found or self._wall() - began < PHASES_SECONDS):
            one = self._job.phases(self._again, self._clock)
            found += [one] if one is not None else []
        names = ("forward", "backward", "optimizer")
        middle = {name: statistics.median(getattr(one, name) for one in found) for name in names}
        total = sum(middle.values())
        return Phases(**{name: replay * seconds / total for name, seconds in middle.items()})

    def _by_difference(self, works: Mapping[str, Callable[[], object]]) -> tuple[float, Phases]:
        """Where a step is one compiled function: by passes of our own, like those that it has."""
        job = self._job
        found = in_turns(
            {**works, "forward": lambda: job.forward(self.kept),
             "forward_backward": lambda: job.forward_backward(self.kept)},
            job.synchronize, seconds=PARTS_SECONDS + PHASES_SECONDS, clock=self._clock,
        )  # fmt: skip
        replay, both = found["replay"], min(found["forward_backward"], found["replay"])
        forward = min(found["forward"], both)
        return replay, Phases(forward=forward, backward=both - forward, optimizer=replay - both)

    def waiting(self) -> dict[str, float]:
        """Seconds that a step on new batches takes more, and of loading and copying them within it.

        By the clock on the wall, and as means: a loader may wait, and be slow now and then.
        """
        job, wall, spent, steps = self._job, self._wall, {"load": 0.0, "copy": 0.0}, [0]

        def fresh() -> Iterator[Any]:
            while True:
                began = wall()
                batch = next(self._stream)
                loaded = wall()
                placed = job.place(batch)
                spent["load"] += loaded - began
                spent["copy"] += wall() - loaded
                yield placed

        batches = fresh()

        def real() -> None:
            steps[0] += 1
            job.step(batches)

        works = {"real": real, "replay": lambda: job.step(self._again)}
        found = in_turns(
            works, job.synchronize, seconds=LOADING_SECONDS, clock=wall, of=statistics.fmean
        )
        each = {name: seconds / steps[0] for name, seconds in spent.items()}
        # A device may work meanwhile; a CPU does one after the other, whoever else disturbs it.
        beside = max(0.0, found["real"] - found["replay"])
        return {**each, "wait": sum(each.values()) if job.device == "cpu" else beside}

    def issued(self) -> float:
        """Seconds until all of a step was asked for, on a device that was idle; NaN on a CPU."""
        if self._job.device == "cpu":
            return float("nan")
        found = []
        for _ in range(ISSUED_STEPS):
            self._job.synchronize()
            began = self._wall()
            self._job.step(self._again)
            found.append(self._wall() - began)
        self._job.synchronize()
        return statistics.median(found)

    def by_batch(self, largest: int, replay: float) -> dict[int, float]:
        """Half as large, as it is, and twice as large where that fits; none of slow steps."""
        if replay > SLOW_SECONDS:
            return {}
        size = self._batch_size
        sizes = [n for n in (size // 2, size, 2 * size) if 1 <= n <= largest]
        kept = {n: repeat(self._job.place(next(self._loader.batches(n)))) for n in sizes}
        works = {str(n): partial(self._job.step, batches) for n, batches in kept.items()}
        found = in_turns(
            works, self._job.synchronize, seconds=SWEEP_SECONDS, clock=self._clock
        )
        return {int(n): seconds for n, seconds in found.items()}

    def by_threads(self, threads: int, replay: float) -> dict[int, float]:
        """Powers of two up to the cores there are, and the number in use; none of slow steps."""
        if replay > SLOW_SECONDS:
            return {}
        counts = sorted({*(2**k for k in range(10) if 2**k <= cores_here()), threads})
        if len(counts) < 2 or self._job.device != "cpu" or not self._job.use_threads(threads):
            return {}

        def step_with(count: int) -> None:
            self._job.use_threads(count)
            self._job.step(self._again)

        works = {str(n): partial(step_with, n) for n in counts}
        found = in_turns(
            works, self._job.synchronize, seconds=SWEEP_SECONDS, clock=self._wall
        )
        self._job.use_threads(threads)
        return {int(n): seconds for n, seconds in found.items()}


def _bytes_of(batch: Any) -> float:
    sizes: list[int] = []
    map_arrays(lambda array: sizes.append(array.nbytes), batch)
    return float(sum(sizes))
