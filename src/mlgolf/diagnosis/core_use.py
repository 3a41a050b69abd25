"""How many cores this process used, and how many other programs did on the cores it may use."""

import math
import os
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_SECONDS = 0.2  # the kernel counts in hundredths of a second
_ALL, _PROCESSES = Path("/proc/stat"), Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)  # columns of /proc/stat: idle, and idle with a disk at work
_GUESTS = 8  # from this column on what is counted in others already


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSeconds:
    """Readings, of which differences tell."""

    wall: float
    own: float  # of this process and those that it has started
    all: float  # of everybody on the cores that this process may use; NaN: the kernel does not say

    def until(self, later: "CoreSeconds") -> dict[str, Any]:
        """Means from here to then: `own_cores`, `other_cores`, `cores`; empty if that is short."""
        seconds, own = later.wall - self.wall, later.own - self.own
        others = later.all - self.all - own
        if seconds < LEAST_SECONDS or math.isnan(others):
            return {}
        return {
            "own_cores": own / seconds, "other_cores": max(0.0, others) / seconds,
            "cores": len(os.sched_getaffinity(0)),
        }


def core_seconds() -> CoreSeconds:
    return CoreSeconds(wall=time.perf_counter(), own=_own(), all=_everybody(_ALL))


def _everybody(file: Path) -> float:
    if not file.exists():
        return float("nan")
    mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    total, seen = 0, False
    for name, *columns in (line.split() for line in file.read_text().splitlines()):
        if name in mine:
            seen = True
            total += sum(
                int(ticks) for at, ticks in enumerate(columns[:_GUESTS]) if at not in _IDLE
            )
    return total / _TICKS if seen else float("nan")


def _own() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + _workers()


def _workers() -> float:
    """Of processes that run, such as those of a loader."""
    module = sys.modules.get("multiprocessing")
    files = [] if module is None else [
        _PROCESSES / str(child.pid) / "stat" for child in module.active_children()
    ]  # fmt: skip
    total = 0.0
    for file in files:
        with suppress(OSError):  # it may end just now
            # The name of a program, in brackets, may have spaces.
            user, system = file.read_text().rpartition(")")[2].split()[11:13]
            total += (int(user) + int(system)) / _TICKS
    return total
