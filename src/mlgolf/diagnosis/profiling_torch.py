"""Self times of PyTorch's operations by class, from its profiler. Steps that are timed have none.

Operations of the update are left out: its time is known by itself. Steps on one batch have the same
operations in the same order, so the median is taken of each operation by itself: whoever else uses
the cores interrupts a few of them in each step, and seldom the same ones.
"""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[reportPrivateImportUsage]
from torch.profiler import ProfilerActivity, profile, record_function

from mlgolf.analysis.diagnosis.operation_times import OperationTimes

UPDATE = "mlgolf: update"  # the name of a stretch whose operations are left out
# Operations by name, without their namespace; others whose name holds one of these, such as
# `_convert_weight` or `upsample_linear1d`, are none.
_PRODUCT = re.compile(
    r"(^|_)((b|add|badd|addb|int_|scaled_)?mm|mv|addmv|dot|matmul|linear|einsum|lstm|gru|rnn)(_|$)"
    r"|conv(?!ert)|attention"
)
_COMMUNICATION = ("gloo:", "nccl:", "c10d::")
_NOT_COMPUTED = ("autograd::", "profiler::", "torch", *_COMMUNICATION)
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Step:
    """The operations of one step, in their order, but those of the update."""

    names: tuple[str, ...]
    seconds: tuple[float, ...]  # of each by itself
    communication: float  # while no operation was computed; NaN where that is not known


class StepProfile:
    """One step after another, each profiled by itself."""

    def __init__(self) -> None:
        self._found: list[Step] = []

    @contextmanager
    def step(self, *, only_last_update: bool = False) -> Iterator[None]:
        """Args: only_last_update: what is named UPDATE before the last of them is none."""
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_initialized():
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities) as found:
            yield
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
        self._found.append(step_of(found.events() or [], only_last_update=only_last_update))

    def middle(self) -> OperationTimes | None:
        """None before a step was profiled, or without operations."""
        return middle_of(self._found)


def update() -> record_function:
    """A block, or something to enter and leave, around what is the update."""
    return record_function(UPDATE)


def is_product(name: str) -> bool:
    """Of an operation such as aten::addmm: whether it is a product or a convolution."""
    return bool(_PRODUCT.search(name.rpartition("::")[2]))


def middle_of(steps: Sequence[Step]) -> OperationTimes | None:
    """Of steps that have the same operations: if not all have, of the most that do."""
    if not any(step.names for step in steps):
        return None
    names, _ = Counter(step.names for step in steps).most_common(1)[0]
    alike = [step for step in steps if step.names == names]
    seconds = [statistics.median(taken) for taken in zip(*(s.seconds for s in alike), strict=True)]
    kinds = [is_product(name) for name in names]
    products = sum(took for took, kind in zip(seconds, kinds, strict=True) if kind)
    return OperationTimes(
        products=products, others=sum(seconds) - products, product_calls=sum(kinds),
        other_calls=len(kinds) - sum(kinds),
        communication=statistics.median(step.communication for step in steps),
    )


def step_of(events: Sequence[Any], *, only_last_update: bool = False) -> Step:
    """Args: events: of torch.profiler. Those on a device take what their kernels take there."""
    updates = sorted(_span(event) for event in events if event.name == UPDATE)
    if only_last_update:
        updates = updates[-1:]
    computed = [event for event in events if _is_computed(event) and not _within(event, updates)]
    on_device = any(event.self_device_time_total > 0 for event in computed)
    said = [_span(event) for event in events if event.name.startswith(_COMMUNICATION)]
    return Step(
        names=tuple(event.name for event in computed),
        seconds=tuple(
            (event.self_device_time_total if on_device else event.self_cpu_time_total) / 1e6
            for event in computed
        ),
        communication=math.nan if on_device else
        exposed(said, [_span(event) for event in events if _is_computed(event)]) / 1e6,
    )


def exposed(waiting: Iterable[Span], working: Iterable[Span]) -> float:
    """How long somebody waits while nobody works."""
    edges = sorted(
        (at, kind, change)
        for kind, spans in enumerate((waiting, working))
        for span in spans for at, change in zip(span, (1, -1), strict=True)
    )  # fmt: skip
    total, before, open_spans = 0.0, 0.0, [0, 0]
    for at, kind, change in edges:
        if open_spans[0] and not open_spans[1]:
            total += at - before
        before = at
        open_spans[kind] += change
    return total


def _is_computed(event: Any) -> bool:
    """Names of operations have a namespace; what has none is a stretch that somebody named."""
    on_cpu = event.device_type == DeviceType.CPU
    return on_cpu and "::" in event.name and not event.name.startswith(_NOT_COMPUTED)


def _span(event: Any) -> Span:
    return event.time_range.start, event.time_range.end


def _within(event: Any, spans: Sequence[Span]) -> bool:
    return any(begin <= event.time_range.start <= end for begin, end in spans)
