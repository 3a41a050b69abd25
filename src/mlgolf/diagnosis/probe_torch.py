"""What a script in PyTorch tells of its steps: operations, threads, the time of its optimizer."""

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import torch
from torch import distributed
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis.counting_torch import Counter
from mlgolf.diagnosis.process_memory import peak_of_process
from mlgolf.diagnosis.profiling_torch import StepProfile, update
from mlgolf.diagnosis.replay import REPLAYS, Replay

REPEATS = 5  # steps with each number of threads
THREAD_SECONDS = 10.0  # for all of them; the script's own number has one at least
PROFILED_STEPS, PROFILE_SECONDS = 5, 3.0  # at most; one step at least
AGREE_SECONDS = 60.0  # for the slowest of several processes to have warmed up


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
        self._profile = StepProfile()
        self._updates: list[Any] = []  # names of updates in a profile: one may be in another
        self._is_profiled = False
        self._sizes: dict[int, int] = {}  # bytes of gradients, by the parameter
        self._without_others: list[float] = []  # seconds of steps that sum no gradients
        self._agreed = REPEATS
        register_optimizer_step_pre_hook(self._before)
        register_optimizer_step_post_hook(self._after)

    @property
    def asynchronous(self) -> bool:
        return torch.cuda.is_initialized()

    def synchronize(self) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    @property
    def rank(self) -> int:
        return distributed.get_rank() if _trains_together() else 0

    @property
    def processes(self) -> int:
        return distributed.get_world_size() if _trains_together() else 1

    def agreed(self, steps: int) -> int:
        """Through the store by which the processes have found one another: not a collective, which
        would be taken for one of the script's own where a process has no watch.

        Raises: DiagnosisError if one of them does not answer.
        """
        store = distributed.distributed_c10d._get_default_store()
        names = [f"mlgolf/steps/{rank}" for rank in range(self.processes)]
        store.set(names[self.rank], str(steps))
        try:
            store.wait(names, timedelta(seconds=AGREE_SECONDS))
        except RuntimeError:
            raise DiagnosisError(
                f"only some of the {self.processes} processes came to a step under a watch within "
                f"{AGREE_SECONDS:.0f} s. Each of them needs mlgolf.observe and watch.step()."
            ) from None
        least = min(int(store.get(name)) for name in names)
        self._agreed = min(REPEATS, least)
        return least

    def begin(self) -> None:
        self._on = True

    def end(self) -> None:
        self._on = False

    def facts(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "framework": "torch", "threads": self._threads,
            "by_threads": {count: min(found) for count, found in self._by_threads.items()},
            "operations": self._counted, "asynchronous": self.asynchronous,
            "processes": self.processes,
        }
        if (profile := self._profile.middle()) is not None:
            told["profile"] = asdict(profile)
        if self._sizes:
            told["gradient_bytes"] = float(sum(self._sizes.values()))
        if self._without_others:
            told["one_device"] = statistics.median(self._without_others)
        if self.asynchronous:
            free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
            replayed = self._replay.facts() if self._replay is not None else {}
            if alone := self._by_threads.get(self._threads):  # of several processes
                replayed = {"replay": statistics.median(alone), "repeats": len(alone)}
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
        if self.processes > 1:
            yield from self._together()
            return
        began = time.perf_counter()
        for number in range(PROFILED_STEPS):
            if not number or time.perf_counter() - began < PROFILE_SECONDS:
                yield self._profiling()
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

    def _together(self) -> Iterator[AbstractContextManager[object]]:
        """As many steps in each process, whatever its clock says."""
        for _ in range(min(PROFILED_STEPS, self._agreed)):
            yield self._profiling()
        models = _parallel_models()
        for _ in range(self._agreed):
            yield self._timed(self._by_threads.setdefault(self._threads, []))
            if models:
                yield self._timed(self._without_others, models)

    @contextmanager
    def _timed(self, taken: list[float], alone: Sequence[Any] = ()) -> Iterator[None]:
        """A step that all processes begin at once. Args: alone: models that sum no gradients."""
        with ExitStack() as stack:
            for model in alone:
                stack.enter_context(model.no_sync())
            self.synchronize()
            distributed.barrier()
            began = time.perf_counter()
            yield
            self.synchronize()
            taken.append(time.perf_counter() - began)

    @contextmanager
    def _profiling(self) -> Iterator[None]:
        with self._profile.step():
            self._is_profiled = True
            yield
            self._is_profiled = False

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

    def _before(self, optimizer: Any, *_: Any) -> None:
        if self._counter is not None:
            self._counter.paused = True
            self._sizes |= _gradient_sizes(optimizer)
        if self._is_profiled:
            self._updates.append(update())
            self._updates[-1].__enter__()
        if self._replay is not None:
            self._replay.optimizer_begins()
        self._entered = time.perf_counter()

    def _after(self, *_: Any) -> None:
        if self._on:
            self._optimizing += time.perf_counter() - self._entered
            self._calls += 1
        if self._updates:
            self._updates.pop().__exit__(None, None, None)
        if self._counter is not None:
            self._counter.paused = False
        if self._replay is not None:
            self._replay.optimizer_ends()


def _trains_together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _parallel_models() -> list[Any]:
    """Those that can leave the summing of gradients out."""
    kind = torch.nn.parallel.DistributedDataParallel
    return [one for one in gc.get_objects() if issubclass(type(one), kind)]


def _gradient_sizes(optimizer: Any) -> dict[int, int]:
    parameters = (one for group in optimizer.param_groups for one in group["params"])
    return {id(one): one.grad.nbytes for one in parameters if one.grad is not None}


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
