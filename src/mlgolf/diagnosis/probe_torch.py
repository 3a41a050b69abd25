"""What a script in PyTorch tells of its steps: operations, threads, the time of its optimizer."""

import os
import time
from collections.abc import Iterator
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

REPEATS = 5  # steps with each number of threads; the fastest counts
THREAD_SECONDS = 15.0  # for all of them


class TorchProbe:
    """Hooks on all optimizers. Their two calls to a clock are all that a counted step gets more."""

    def __init__(self) -> None:
        self._device = "cuda" if torch.cuda.is_initialized() else "cpu"
        self._threads = torch.get_num_threads()
        self._optimizing, self._calls, self._entered = 0.0, 0, 0.0
        self._on = False
        self._counted: list[dict[str, Any]] = []
        self._by_threads: dict[int, float] = {}
        self._spent = 0.0
        register_optimizer_step_pre_hook(self._before)
        register_optimizer_step_post_hook(self._after)

    def synchronize(self) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    def begin(self) -> None:
        self._on = True

    def end(self) -> None:
        self._on = False

    def facts(self) -> dict[str, Any]:
        on_device = torch.cuda.is_initialized()
        peak = float(torch.cuda.max_memory_allocated()) if on_device else peak_of_process()
        # Hooks on a device would time what is asked for, not what is done.
        told = {} if on_device or not self._calls else {"optimizer_total": self._optimizing}
        return {
            "framework": "torch", "device": "cuda" if on_device else "cpu", "peak_memory": peak,
            "threads": self._threads, "by_threads": self._by_threads, "operations": self._counted,
            **told,
        }  # fmt: skip

    def experiments(self) -> Iterator[AbstractContextManager[object]]:
        yield self._counting()
        if torch.cuda.is_initialized():
            return
        cores = len(os.sched_getaffinity(0))
        counts = sorted({*(2**k for k in range(10) if 2**k <= cores), self._threads})
        for _ in range(REPEATS):  # in turns, so that a busy moment hits all of them
            for count in counts if len(counts) > 1 else []:
                yield self._with_threads(count)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        counter = Counter()
        with counter:
            yield
        self._counted = [asdict(operation) for operation in counter.found()]

    @contextmanager
    def _with_threads(self, count: int) -> Iterator[None]:
        if self._spent > THREAD_SECONDS:
            yield
            return
        torch.set_num_threads(count)
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        torch.set_num_threads(self._threads)
        self._spent += took
        self._by_threads[count] = min(took, self._by_threads.get(count, float("inf")))

    def _before(self, *_: Any) -> None:
        self._entered = time.perf_counter()

    def _after(self, *_: Any) -> None:
        if self._on:
            self._optimizing += time.perf_counter() - self._entered
            self._calls += 1
