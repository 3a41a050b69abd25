"""A job in PyTorch."""

import gc
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch.profiler import record_function

from mlgolf.analysis.diagnosis.operation_times import OperationTimes
from mlgolf.analysis.diagnosis.roofline import Operation
from mlgolf.backends.training_torch import gradients, mean_loss
from mlgolf.core.arrays import Batch
from mlgolf.diagnosis.counting_torch import Counter
from mlgolf.diagnosis.job import Parts, Phases
from mlgolf.diagnosis.phases_torch import backward_marked, phases_of
from mlgolf.diagnosis.process_memory import (
    available_memory,
    limit_growth,
    memory_in_use,
    peak_of_process,
)
from mlgolf.diagnosis.profiling_torch import StepProfile, update

PROFILED_STEPS, PROFILE_SECONDS = 15, 3.0  # at most; one step at least


class TorchJob:
    """A submission may return another module than it was given, such as a compiled one."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._start = parts, parts.start
        self._params: Any = parts.start.params
        self._state = parts.optimizer_state
        self._tensors = [p for p in self._params.parameters() if p.requires_grad]
        self._steps = 0
        self.device = self._start.backend.device.type  # type: ignore[attr-defined]

    def place(self, batch: Batch) -> dict[str, Any]:
        return self._start.backend.to_device(batch)

    def step(self, batches: Iterator[dict[str, Tensor]]) -> None:
        self._state, self._params, _ = self._parts.step(
            self._params, self._start.model_state, self._state, batches, self._steps
        )
        self._steps += 1

    def phases(
        self, batches: Iterator[dict[str, Tensor]], clock: Callable[[], float]
    ) -> Phases | None:
        if self.device != "cuda":
            return phases_of(lambda: self.step(batches), clock, lambda begin, end: end - begin)
        return phases_of(lambda: self.step(batches), _recorded_event, _seconds_between_events)

    def forward(self, batch: dict[str, Tensor]) -> None:
        start = self._start
        key = start.keys(self._steps)[1]
        mean_loss(
            start.workload, self._params, start.model_state, batch, key, self._parts.asked
        )

    def forward_backward(self, batch: dict[str, Tensor]) -> None:
        start = self._start
        key = start.keys(self._steps)[1]
        gradients(
            start.workload, self._params, start.model_state, batch, key, self._parts.asked,
            tensors=self._tensors,
        )

    def synchronize(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def operations(self, batch: dict[str, Tensor]) -> list[Operation]:
        counter = Counter()
        until_update: list[list[Operation]] = []
        with counter, backward_marked(
            lambda: None, lambda: until_update.append(counter.found())
        ):
            self.step(repeat(batch))
        return until_update[-1] if until_update else counter.found()

    def operation_times(self, batch: dict[str, Tensor]) -> OperationTimes | None:
        profile, began = StepProfile(), time.perf_counter()
        for number in range(PROFILED_STEPS):
            if number and time.perf_counter() - began > PROFILE_SECONDS:
                break
            with profile.step(only_last_update=True):
                self._step_with_updates_named(batch)
        return profile.middle()

    def _step_with_updates_named(self, batch: dict[str, Tensor]) -> None:
        """What follows a backward pass is the update, unless another one comes."""
        named: list[record_function] = []

        def leave() -> None:
            while named:
                named.pop().__exit__(None, None, None)

        def enter() -> None:
            named.append(update())
            named[-1].__enter__()

        with backward_marked(leave, enter):
            self.step(repeat(batch))
        leave()

    def gradient_bytes(self) -> float:
        return float(sum(tensor.nbytes for tensor in self._tensors))

    def use_threads(self, threads: int) -> bool:
        torch.set_num_threads(threads)
        return True

    def peak_memory(self) -> float:
        if self.device == "cuda":
            return float(torch.cuda.max_memory_allocated())
        return peak_of_process()

    def memory_apart(self) -> float:
        return 0.0 if self.device == "cuda" else memory_in_use() - _kept_bytes()

    def available_memory(self) -> float:
        if self.device == "cuda":
            return float(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
        return available_memory()

    def limit_memory(self, limit: float) -> None:
        if self.device == "cuda":
            share = limit / torch.cuda.mem_get_info()[1]
            torch.cuda.set_per_process_memory_fraction(min(1.0, share))
        else:
            limit_growth(limit - _kept_bytes())


def _kept_bytes() -> float:
    """Of all tensors that this process has: parameters, gradients, the optimizer's state."""
    gc.collect()
    tensors = [one for one in gc.get_objects() if issubclass(type(one), Tensor)]
    gradients = [one.grad for one in tensors if one.is_leaf and one.grad is not None]
    stores = [one.untyped_storage() for one in [*tensors, *gradients]]
    return float(sum({store.data_ptr(): store.nbytes() for store in stores}.values()))


def _recorded_event() -> Any:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _seconds_between_events(begin: Any, end: Any) -> float:
    end.synchronize()
    return begin.elapsed_time(end) / 1e3
