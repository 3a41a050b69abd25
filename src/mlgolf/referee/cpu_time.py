"""Sources of CPU time for every process a player ever had, probed in order of trust.

1. control group: the kernel's own account of a group that no child leaves; needs rights. Where
   there is a task clock too, the larger of both counts, so that resetting one gains nothing.
2. task clock: a software event that children inherit, opened by the supervisor; usually needs none.
3. /proc: what live processes and waited-for children say. Leaky, never official.
"""

import itertools
import os
from pathlib import Path
from typing import Protocol

from mlgolf.referee import processes

_V1, _V2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")
_PREFIX = "mlgolf-"
_numbers = itertools.count()


class CpuTime(Protocol):
    name: str

    def seconds(self) -> float: ...
    def close(self) -> None: ...


class ControlGroup:
    """A cgroup of its own: v1 cpuacct, or v2 where its files can be written."""

    def __init__(self, pid: int) -> None:
        """Raises: OSError where no group can be made or joined."""
        base = _V1 if _V1.is_dir() else _V2
        remove_stale_groups(base)
        self.name = "cgroup v1 cpuacct" if base is _V1 else "cgroup v2 cpu.stat"
        self._group = base / f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        self._group.mkdir()
        try:
            self.seconds()  # a machine whose groups do not count is no source
            (self._group / "cgroup.procs").write_text(str(pid))
        except (OSError, KeyError):
            self._group.rmdir()
            raise

    def seconds(self) -> float:
        if self.name.startswith("cgroup v1"):
            return int((self._group / "cpuacct.usage").read_text()) / 1e9
        lines = (self._group / "cpu.stat").read_text().split()
        return int(dict(zip(lines[::2], lines[1::2], strict=True))["usage_usec"]) / 1e6

    def close(self) -> None:
        """Remove the group. Its processes are gone, but the kernel may need a moment to say so."""
        for _ in range(200):
            try:
                self._group.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                os.sched_yield()
            else:
                return


def remove_stale_groups(base: Path) -> None:
    """Groups that a referee left when it was killed; the process that made one is in its name."""
    for group in base.glob(f"{_PREFIX}*"):
        owner = group.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            try:
                group.rmdir()
            except OSError:
                continue  # not empty yet: the next referee will find it


class TaskClock:
    """perf_event_open's task-clock with inheritance: a descriptor that the supervisor opened."""

    name = "perf task-clock"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def seconds(self) -> float:
        return int.from_bytes(os.read(self._descriptor, 8), "little") / 1e9

    def close(self) -> None:
        os.close(self._descriptor)


class LargerOf:
    """Two sources that ought to agree."""

    def __init__(self, first: CpuTime, second: CpuTime) -> None:
        self._both = (first, second)
        self.name = f"{first.name} and {second.name}"

    def seconds(self) -> float:
        return max(source.seconds() for source in self._both)

    def close(self) -> None:
        for source in self._both:
            source.close()


class ProcessTree:
    """What /proc says of the supervisor's tree. Reaped children can escape it."""

    name = "/proc (leaky)"

    def __init__(self, supervisor: int) -> None:
        self._supervisor = supervisor
        self._most = 0.0

    def seconds(self) -> float:
        self._most = max(self._most, processes.cpu_seconds(self._supervisor))
        return self._most

    def close(self) -> None:
        pass


def open_cpu_time(
    pid: int, supervisor: int, task_clock: int | None, *, control_group: bool = True
) -> CpuTime:
    """The best source to be had for the process `pid`, which has not begun yet."""
    clock = TaskClock(task_clock) if task_clock is not None else None
    if control_group:
        try:
            group = ControlGroup(pid)
        except OSError:
            pass  # no rights to one here: the next source is as good
        else:
            return group if clock is None else LargerOf(group, clock)
    return clock or ProcessTree(supervisor)
