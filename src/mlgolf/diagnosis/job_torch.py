"""A job in PyTorch."""

from typing import Any

import torch
from torch import Tensor

from mlgolf.analysis.roofline import Operation
from mlgolf.backends.training_torch import gradients, mean_loss
from mlgolf.core.arrays import Batch
from mlgolf.diagnosis.counting_torch import count_operations
from mlgolf.diagnosis.job import Parts
from mlgolf.diagnosis.process_memory import peak_of_process


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

    def step(self, batch: dict[str, Tensor]) -> None:
        self._state, self._params, _ = self._parts.update(
            self._params, self._start.model_state, self._state, batch, self._steps
        )
        self._steps += 1

    def forward(self, batch: dict[str, Tensor]) -> None:
        start = self._start
        key = start.keys(self._steps)[1]
        mean_loss(start.workload, self._params, start.model_state, batch, key, {})

    def forward_backward(self, batch: dict[str, Tensor]) -> None:
        start = self._start
        key = start.keys(self._steps)[1]
        gradients(
            start.workload, self._params, start.model_state, batch, key, {}, tensors=self._tensors
        )

    def synchronize(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def operations(self, batch: dict[str, Tensor]) -> list[Operation]:
        return count_operations(lambda: self.forward_backward(batch))

    def use_threads(self, threads: int) -> bool:
        torch.set_num_threads(threads)
        return True

    def peak_memory(self) -> float:
        if self.device == "cuda":
            return float(torch.cuda.max_memory_allocated())
        return peak_of_process()
