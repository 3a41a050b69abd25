"""Sources of CPU time for every process a player ever had, probed in order of trust.

1. control group: the kernel's own account of a group that no child leaves; needs rights. Where
   there is a task clock too, the larger of both counts, so that resetting one gains nothing.
2. task clock: a software event that children inherit, opened by the supervisor; usually needs none.
3. /proc: what live processes and waited-for children say. Leaky, never official.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from mlgolf.referee import processes
from mlgolf.referee.control_groups import NO_LIMITS, ControlGroup, Limits


class CpuTime(Protocol):
    name: str
    limits: Mapping[str, str]  # what it also holds down, "memory" or "pids", and by what

    def seconds(self) -> float: ...
    def out_of_memory_kills(self) -> int | None:
        """Of its processes, by the kernel; None where it does not count them."""
        ...

    def close(self) -> None: ...


class TaskClock:
    """perf_event_open's task-clock with inheritance: a descriptor that the supervisor opened."""

    name = "perf task-clock"
    limits: Mapping[str, str] = MappingProxyType({})

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def seconds(self) -> float:
        return int.from_bytes(os.read(self._descriptor, 8), "little") / 1e9

    def out_of_memory_kills(self) -> None:
        return None

    def close(self) -> None:
        os.close(self._descriptor)


class LargerOf:
    """Two sources that ought to agree."""

    def __init__(self, first: CpuTime, second: CpuTime) -> None:
        self._both = (first, second)
        self.name = f"{first.name} and {second.name}"
        self.limits: Mapping[str, str] = {**second.limits, **first.limits}

    def seconds(self) -> float:
        return max(source.seconds() for source in self._both)

    def out_of_memory_kills(self) -> int | None:
        told = [source.out_of_memory_kills() for source in self._both]
        return max((kills for kills in told if kills is not None), default=None)

    def close(self) -> None:
        for source in self._both:
            source.close()


class ProcessTree:
    """What /proc says of the supervisor's tree. Reaped children can escape it."""

    name = "/proc (leaky)"
    limits: Mapping[str, str] = MappingProxyType({})

    def __init__(self, supervisor: int) -> None:
        self._supervisor = supervisor
        self._most = 0.0

    def seconds(self) -> float:
        self._most = max(self._most, processes.cpu_seconds(self._supervisor))
        return self._most

    def out_of_memory_kills(self) -> None:
        return None

    def close(self) -> None:
        pass


def open_cpu_time(
    pid: int, supervisor: int, task_clock: int | None, limits: Limits = NO_LIMITS, *,
    control_group: bool = True,
) -> CpuTime:
    """The best source to be had for the process `pid`, which has not begun yet.

    Args: limits: for its control group, where there is one and it can keep them.
    """
    clock = TaskClock(task_clock) if task_clock is not None else None
    if control_group:
        try:
            group = ControlGroup(pid, limits)
        except OSError:
            pass  # no rights to one here: the next source is as good
        else:
            return group if clock is None else LargerOf(group, clock)
    return clock or ProcessTree(supervisor)
