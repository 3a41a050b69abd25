"""Splits a step in PyTorch at its backward passes, whatever the submission does around them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from mlgolf.diagnosis.job import Phases


@contextmanager
def backward_marked(
    entered: Callable[[], object], left: Callable[[], object]
) -> Iterator[None]:
    """Within the block, each backward pass calls `entered` before it and `left` after it.

    `Tensor.backward` is one too. A submission that has imported `grad` by itself is not seen.
    """
    kept = {name: getattr(torch.autograd, name) for name in ("grad", "backward")}

    def marked(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def around(*args: Any, **kwargs: Any) -> Any:
            entered()
            try:
                return function(*args, **kwargs)
            finally:
                left()

        return around

    for name, function in kept.items():
        setattr(torch.autograd, name, marked(function))
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(torch.autograd, name, function)


def phases_of(
    step: Callable[[], object], mark: Callable[[], Any],
    seconds_between: Callable[[Any, Any], float],
) -> Phases | None:
    """Forward is what is neither backward nor, behind the last backward pass, the update.

    Args:
      mark: the time, or an event on a device.
      seconds_between: two marks; called when the step is over.
    Returns: None if no backward pass was seen.
    """
    entered: list[Any] = []
    left: list[Any] = []
    begin = mark()
    with backward_marked(lambda: entered.append(mark()), lambda: left.append(mark())):
        step()
    end = mark()
    if not left:
        return None
    backward = sum(map(seconds_between, entered, left))
    optimizer = seconds_between(left[-1], end)
    forward = seconds_between(begin, end) - backward - optimizer
    return Phases(forward=forward, backward=backward, optimizer=optimizer)
