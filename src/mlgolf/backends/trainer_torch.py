"""Optimizers stepped as each asks to be: with a closure, with a graph, in its training mode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlgolf.backends.building_torch import Optimizer

Backward = Callable[[bool], Tensor]  # create_graph -> loss; clears gradients, then computes them

# Methods that put the parameters to evaluate in place, and those that take the others back.
_SWITCHES = (("eval", "train"), ("backup_and_load_cache", "clear_and_load_backup"))


@dataclass(frozen=True, slots=True)
class Call:
    """How an optimizer's step wants to be called."""

    closure: bool = False  # with a function that computes loss and gradients anew
    gradients: bool = True  # with gradients there already
    graph: bool = False  # with gradients that can be differentiated: backward(create_graph=True)


class Trainer:
    """Some optimizers as one."""

    def __init__(self, optimizers: Sequence[Optimizer], calls: Sequence[Call]) -> None:
        # Who takes a closure computes other gradients, so the others step before.
        self._steps = sorted(zip(optimizers, calls, strict=True), key=lambda pair: pair[1].closure)
        self._gradients = any(call.gradients for call in calls)
        self._graph = any(call.graph for call in calls)
        self._optimizers = optimizers
        self.param_groups = [group for o in optimizers for group in o.param_groups]
        groups = [group for group in self.param_groups if group.get("lr") is not None]
        self._rates = [(group, group["lr"]) for group in groups]
        self._switches = [switch for o in optimizers if (switch := _switch(o))]
        self._evaluating = False
        for optimizer in optimizers:
            if _has(optimizer, "train"):
                optimizer.train()

    def has_rates(self) -> bool:
        """Whether a schedule can act: every group has a learning rate."""
        return len(self._rates) == len(self.param_groups)

    def scale_rates(self, factor: float) -> None:
        """Set each group's rate to that share of the rate that it was built with."""
        for group, rate in self._rates:
            group["lr"] = rate * factor

    def step(self, backward: Backward) -> None:
        self.training_mode()

        def closure() -> Tensor:
            with torch.enable_grad():  # some call it where gradients are off
                return backward(self._graph)

        if self._gradients:
            closure()
        for optimizer, call in self._steps:
            optimizer.step(closure) if call.closure else optimizer.step()

    def zero_grad(self) -> None:
        """This also frees the graphs of differentiable gradients, which hold each other."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()

    def evaluation_mode(self) -> None:
        """Put the parameters in place that the method says to evaluate."""
        if not self._evaluating:
            for evaluate, _ in self._switches:
                evaluate()
        self._evaluating = True

    def training_mode(self) -> None:
        if self._evaluating:
            for _, train in self._switches:
                train()
        self._evaluating = False


def _switch(optimizer: Optimizer) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    for names in _SWITCHES:
        if all(_has(optimizer, name) for name in names):
            evaluate, train = (getattr(optimizer, name) for name in names)
            return evaluate, train
    if isinstance(optimizer, torch.optim.ASGD):
        average = _Average(optimizer)
        return average.place, average.take_back
    return None


def _has(optimizer: Optimizer, method: str) -> bool:
    return callable(getattr(optimizer, method, None))


class _Average:
    """torch.optim.ASGD keeps the average that its method is about, and never puts it in place."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._iterates: dict[Tensor, Tensor] = {}

    @torch.no_grad()
    def place(self) -> None:
        for parameter, state in self._optimizer.state.items():
            self._iterates[parameter] = parameter.clone()
            parameter.copy_(state["ax"])

    @torch.no_grad()
    def take_back(self) -> None:
        for parameter, iterate in self._iterates.items():
            parameter.copy_(iterate)
