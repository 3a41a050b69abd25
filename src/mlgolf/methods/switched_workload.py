"""A workload whose forward pass is done otherwise, and which is the same in all else."""

from collections.abc import Callable
from typing import Any


class SwitchedWorkload:
    """Offers every member of a workload's facade; `gradients` and `mean_loss` take it as one."""

    def __init__(self, workload: Any, model_fn: Callable[..., tuple[Any, Any]]) -> None:
        self._workload, self.model_fn = workload, model_fn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workload, name)
