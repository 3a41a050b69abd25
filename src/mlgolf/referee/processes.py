"""The tree of processes below one, read from /proc."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

MOST_PASSES = 50  # a tree that grows faster than it can be walked is given up
STILL = frozenset("TtZX")  # stopped, traced, zombie, dead
MOST_SECONDS_TO_STILL = 0.2


def children() -> dict[int, list[int]]:
    """Every process on the machine by its parent."""
    by_parent: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(int(entry))
            if fields:
                by_parent.setdefault(int(fields[1]), []).append(int(entry))
    return by_parent


def stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat from the state onwards (proc(5) counts that field 3); empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(root: int) -> list[int]:
    by_parent = children()
    found, queue = [], [root]
    while queue:
        offspring = by_parent.get(queue.pop(), [])
        found += offspring
        queue += offspring
    return found


def signal_tree(root: int, number: signal.Signals) -> None:
    """Signal all below `root`, again until no newcomer is seen."""
    seen: set[int] = set()
    for _ in range(MOST_PASSES):
        newcomers = set(descendants(root)) - seen
        if not newcomers:
            return
        for pid in newcomers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        seen |= newcomers


def use_cores(root: int, cores: Iterable[int]) -> None:
    """Have all threads below `root`, which stand still, go on on these cores alone."""
    cores = list(cores)
    for pid in descendants(root):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cores)


def wait_until_still(root: int, *, everyone: bool) -> None:
    """Wait for threads that were in the kernel when the stop came: a fork or an exit is finished.

    Args: everyone: whether all processes but `root` count (in a namespace) or its tree only.
    """
    deadline = time.monotonic() + MOST_SECONDS_TO_STILL
    while time.monotonic() < deadline:
        pids = _others(root) if everyone else descendants(root)
        if all(_threads_still(pid) for pid in pids):
            return
        time.sleep(0.0001)


def _others(root: int) -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != root]


def _threads_still(pid: int) -> bool:
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat") as stat:
                if stat.read().rpartition(")")[2][1] not in STILL:
                    return False
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended meanwhile
    return True


def cpu_seconds(root: int) -> float:
    """CPU seconds of all below `root`, with those of children that were waited for.

    A child that ended without being waited for (its parent ignores SIGCHLD) is lost: that is why
    this is the last resort and marked leaky. Source: proc(5), fields 14 to 17 of stat.
    """
    ticks = 0
    for pid in [root, *descendants(root)]:
        fields = stat_fields(pid)
        if fields:
            own, waited_for = fields[11:13], fields[13:15]
            ticks += sum(map(int, waited_for if pid == root else own + waited_for))
    return ticks / os.sysconf("SC_CLK_TCK")
