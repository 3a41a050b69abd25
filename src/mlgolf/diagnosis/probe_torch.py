"""What a script in PyTorch tells of its steps: operations, threads, the time of its optimizer."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from mlgolf.diagnosis.counting_torch import Counter
from mlgolf.diagnosis.process_memory import peak_of_process
from mlgolf.diagnosis.replay import REPLAYS, Replay

REPEATS = 5  # steps with each number of threads
THREAD_SECONDS = 10.0  # for all of them; the script's own number has one at least


class TorchProbe:
    """Hooks on all optimizers. Their two calls to a clock are all that a counted step gets more."""

    def __init__(self) -> None:
        self._threads = torch.get_num_threads()
        self._optimizing, self._calls, self._entered = 0.0, 0, 0.0
        self._on = False
        self._counter: Counter | None = None  # while operations are counted
        self._counted: list[dict[str, Any]] = []
        self._by_threads: dict[int, list[float]] = {}  # seconds of each step
        self._replay: CudaReplay | None = None  # on a GPU
        register_optimizer_step_pre_hook(self._before)
        register_optimizer_step_post_hook(self._after)

    @property
    def asynchronous(self) -> bool:
        return torch.cuda.is_initialized()

    def synchronize(self) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    def begin(self) -> None:
        self._on = True

    def end(self) -> None:
        self._on = False

    def facts(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "framework": "torch", "threads": self._threads,
            "by_threads": {count: min(found) for count, found in self._by_threads.items()},
            "operations": self._counted, "asynchronous": self.asynchronous,
        }
        if self.asynchronous:
            free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
            replayed = self._replay.facts() if self._replay is not None else {}
            return told | replayed | {
                "device": "cuda", "peak_memory": float(torch.cuda.max_memory_allocated()),
                "memory_limit": float(free),
            }
        if alone := self._by_threads.get(self._threads):
            told |= {"alone": statistics.median(alone), "repeats": len(alone)}
        if self._calls:
            told["optimizer_total"] = self._optimizing
        return told | {"device": "cpu", "peak_memory": peak_of_process()}

    def experiments(self) -> Iterator[AbstractContextManager[object]]:
        yield self._counting()
        if torch.cuda.is_initialized():
            self._replay = CudaReplay()
            yield from self._replay.blocks()
            return
        cores = len(os.sched_getaffinity(0))
        counts = sorted({*(2**k for k in range(10) if 2**k <= cores), self._threads})
        counts = [self._threads, *(count for count in counts if count != self._threads)]
        # In turns, so that a busy moment hits all of them; to and fro, so that of two kinds of
        # steps in turns, as of a GAN, each number of threads has both.
        for turn in range(REPEATS):
            for count in reversed(counts) if turn % 2 else counts:
                if self._has_time():
                    yield self._with_threads(count)

    def _has_time(self) -> bool:
        """For a step as long as the longest so far."""
        taken = [seconds for found in self._by_threads.values() for seconds in found]
        return not taken or sum(taken) + max(taken) <= THREAD_SECONDS

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """The optimizer's operations are left out: its time is known by itself."""
        self._counter = Counter()
        with self._counter:
            yield
        self._counted = [asdict(operation) for operation in self._counter.found()]
        self._counter = None

    @contextmanager
    def _with_threads(self, count: int) -> Iterator[None]:
        torch.set_num_threads(count)
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        torch.set_num_threads(self._threads)
        self._by_threads.setdefault(count, []).append(took)

    def _before(self, *_: Any) -> None:
        if self._counter is not None:
            self._counter.paused = True
        if self._replay is not None:
            self._replay.optimizer_begins()
        self._entered = time.perf_counter()

    def _after(self, *_: Any) -> None:
        if self._on:
            self._optimizing += time.perf_counter() - self._entered
            self._calls += 1
        if self._counter is not None:
            self._counter.paused = False
        if self._replay is not None:
            self._replay.optimizer_ends()


class CudaReplay:
    """A replay on a GPU, where events around the optimizer give its time."""

    def __init__(
        self, cuda: Any = torch.cuda, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Args: cuda: has `synchronize` and `Event`, as torch.cuda."""
        self._cuda, self._clock = cuda, clock
        self._steps = Replay(cuda.synchronize, clock)
        self._issued = float("nan")
        self._pairs: list[list[Any]] = []  # events around each call of an optimizer

    def blocks(self, count: int = REPLAYS) -> Iterator[AbstractContextManager[object]]:
        """One step to see when all of it has been asked for, then `count` of them in a row."""
        yield self._issuing()
        yield from self._steps.blocks(count)

    def optimizer_begins(self) -> None:
        if self._steps.on:
            self._pairs.append([self._recorded()])

    def optimizer_ends(self) -> None:
        if self._steps.on and self._pairs:
            self._pairs[-1].append(self._recorded())

    def facts(self) -> dict[str, float]:
        """Seconds per step; none before the last block is over."""
        replayed = self._steps.facts()
        if not replayed:
            return {}
        pairs = [pair for pair in self._pairs if len(pair) == 2]
        optimizing = sum(begin.elapsed_time(end) for begin, end in pairs) / 1e3
        return {
            **replayed, "issued": self._issued,
            **({"optimizer": optimizing / self._steps.count} if pairs else {}),
        }

    def _recorded(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    @contextmanager
    def _issuing(self) -> Iterator[None]:
        self._cuda.synchronize()
        began = self._clock()
        yield
        self._issued = self._clock() - began
