"""A job in JAX: compiled functions, counted by their compiler."""

from collections.abc import Callable, Iterator
from typing import Any

import jax

from mlgolf.analysis.diagnosis.roofline import Operation
from mlgolf.backends.training_jax import gradients, mean_loss
from mlgolf.core.arrays import Batch
from mlgolf.diagnosis.job import Parts, Phases
from mlgolf.diagnosis.process_memory import (
    available_memory,
    limit_growth,
    memory_in_use,
    peak_of_process,
)


class JaxJob:
    """The submission may give the memory of parameters up, so those that it returns are kept.

    Its step is one compiled function, so that the parts of it are compiled for themselves.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts, start = parts, parts.start
        self._start = start
        self._params, self._model_state = start.params, start.model_state
        self._state = parts.optimizer_state
        self._steps, self._last = 0, None
        self.device = jax.devices()[0].platform
        facade = start.workload

        def loss(params: Any, model_state: Any, batch: Any, key: Any) -> Any:
            return mean_loss(facade, params, model_state, batch, key, parts.asked)[0]

        def slopes(params: Any, model_state: Any, batch: Any, key: Any) -> Any:
            return gradients(facade, params, model_state, batch, key, parts.asked)[1]

        self._loss, self._slopes = jax.jit(loss), jax.jit(slopes)

    def place(self, batch: Batch) -> dict[str, Any]:
        return self._start.backend.to_device(batch)

    def step(self, batches: Iterator[dict[str, Any]]) -> None:
        returned = self._parts.step(
            self._params, self._model_state, self._state, batches, self._steps
        )
        self._state, self._params, self._model_state = returned
        self._last = self._params
        self._steps += 1

    def phases(
        self, batches: Iterator[dict[str, Any]], clock: Callable[[], float]
    ) -> Phases | None:
        return None

    def forward(self, batch: dict[str, Any]) -> None:
        self._last = self._loss(*self._arguments(batch))

    def forward_backward(self, batch: dict[str, Any]) -> None:
        self._last = self._slopes(*self._arguments(batch))

    def synchronize(self) -> None:
        jax.block_until_ready(self._last)

    def operations(self, batch: dict[str, Any]) -> list[Operation] | None:
        """How many operations the compiler has left, it does not say."""
        costs = self._slopes.lower(*self._arguments(batch)).compile().cost_analysis()
        found = costs[0] if isinstance(costs, list) else costs
        if not found or "flops" not in found:
            return None
        return [Operation(
            name="step", count=0, flop=float(found["flops"]),
            bytes=float(found.get("bytes accessed", 0.0)),
        )]  # fmt: skip

    def operation_times(self, batch: dict[str, Any]) -> None:
        return None  # a step is one compiled function

    def gradient_bytes(self) -> float:
        return float(sum(array.nbytes for array in jax.tree.leaves(self._params)))

    def use_threads(self, threads: int) -> bool:
        return False  # XLA's threads are fixed when it starts

    def peak_memory(self) -> float:
        stats = self._device_memory()
        return float(stats["peak_bytes_in_use"]) if stats else peak_of_process()

    def memory_apart(self) -> float:
        return memory_in_use() - _kept_bytes() if self.device == "cpu" else 0.0

    def available_memory(self) -> float:
        stats = self._device_memory()
        return float(stats["bytes_limit"]) if stats else available_memory()

    def limit_memory(self, limit: float) -> None:
        if self.device == "cpu":  # that of a device is fixed when JAX starts
            limit_growth(limit - _kept_bytes())

    def _device_memory(self) -> dict[str, int] | None:
        return jax.devices()[0].memory_stats() if self.device != "cpu" else None

    def _arguments(self, batch: dict[str, Any]) -> tuple[Any, ...]:
        key = self._start.keys(self._steps)[1]
        return self._params, self._model_state, batch, key


def _kept_bytes() -> float:
    """Of all arrays that this process has: parameters, the optimizer's state."""
    return float(sum(array.nbytes for array in jax.live_arrays() if not array.is_deleted()))
