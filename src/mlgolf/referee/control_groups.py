"""A control group of a player's own: it counts CPU time and, where it can, limits memory and tasks.

Version 1 has a tree of folders for each controller, version 2 one tree for all. Both need rights
that an ordinary user seldom has, and few containers give: whoever asks for one is told what it got.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
_PREFIX = "mlgolf-"
_END_SECONDS = 2.0  # for the kernel to be done with the processes of a group
_numbers = itertools.count()


class Limits(NamedTuple):
    """0 for none."""

    memory_bytes: int = 0  # of all its processes and what they write into their scratch
    tasks: int = 0  # processes and threads

    def files(self, version: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Controller, and the number for each of its files; the first is always there."""
        if version == 1:  # without a limit it tells whom the kernel ended for want of memory
            names = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"  # with swap
            yield "memory", dict.fromkeys(names, self.memory_bytes) if self.memory_bytes else {}
        elif self.memory_bytes:
            yield "memory", {"memory.max": self.memory_bytes, "memory.swap.max": 0}
        if self.tasks:
            yield "pids", {"pids.max": self.tasks}


NO_LIMITS = Limits()


class ControlGroup:
    """One group, or in version 1 one for each controller."""

    def __init__(self, pid: int, limits: Limits = NO_LIMITS) -> None:
        """Raises: OSError where no group that counts can be made or joined."""
        self._version = 1 if (ROOT / "cpuacct").is_dir() else 2
        self.name = "cgroup v1 cpuacct" if self._version == 1 else "cgroup v2 cpu.stat"
        self.limits: Mapping[str, str] = {}
        self._folders: list[Path] = []
        self._name = f"{_our_prefix()}{os.getpid()}-{next(_numbers)}"
        try:
            self._counting = self._made("cpuacct")
            self.seconds()  # a machine whose groups do not count is no source
            (self._counting / "cgroup.procs").write_text(str(pid))
        except OSError:
            self.close()
            raise
        for controller, numbers in limits.files(self._version):
            with contextlib.suppress(OSError):  # it is not to be had: others hold, or nothing
                self._limit(pid, controller, numbers)

    def _limit(self, pid: int, controller: str, numbers: Mapping[str, int]) -> None:
        folder = self._made(controller)
        if not all((folder / file).exists() for file in [*numbers][:1]):
            return  # version 2: it is not handed down to here
        for file, number in numbers.items():
            if (folder / file).exists():  # a kernel may count no swap
                (folder / file).write_text(str(number))
        (folder / "cgroup.procs").write_text(str(pid))
        if numbers:
            self.limits = {**self.limits, controller: f"cgroup v{self._version} {controller}"}

    def _made(self, controller: str) -> Path:
        """The group of a controller, below the group that we are in ourselves if it is shown."""
        if self._version == 2 and self._folders:
            return self._folders[0]
        top = ROOT / controller if self._version == 1 else ROOT
        ours = top / _own_group(controller if self._version == 1 else "").lstrip("/")
        # In version 2 a group with processes, as ours, hands no controllers down.
        base = ours if self._version == 1 and ours.is_dir() else top
        remove_stale_groups(base)
        folder = base / self._name
        folder.mkdir()
        self._folders.append(folder)
        return folder

    def seconds(self) -> float:
        """Raises: OSError where the group does not count."""
        if self._version == 1:
            return int((self._counting / "cpuacct.usage").read_text()) / 1e9
        return _count(self._counting / "cpu.stat", "usage_usec") / 1e6

    def out_of_memory_kills(self) -> int | None:
        """As told in version 2, or in version 1 since Linux 4.13."""
        name = "memory.oom_control" if self._version == 1 else "memory.events"
        for folder in self._folders:
            with contextlib.suppress(OSError):  # this group is not of memory
                return _count(folder / name, "oom_kill")
        return None

    def close(self) -> None:
        """Remove the groups. Their processes are gone, but the kernel may need a moment for it."""
        for folder in self._folders:
            forget_files(folder)
            deadline = time.monotonic() + _END_SECONDS
            while folder.exists() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.001)


def _count(file: Path, name: str) -> int:
    """Of a file with a name and a number in each line. Raises: OSError where it is not there."""
    for line in file.read_text().splitlines():
        found, _, count = line.partition(" ")
        if found == name:
            return int(count)
    raise OSError(f"{file}: found no {name}")


def forget_files(group: Path) -> None:
    """Have the kernel drop what the processes of a group brought into memory of files.

    Else the next trial could tell which pages of a large library this one has read.
    """
    all_of_it, some_of_it = group / "memory.force_empty", group / "memory.reclaim"  # by version
    with contextlib.suppress(OSError):  # it dropped what it could
        if all_of_it.exists():
            all_of_it.write_text("0")
        elif some_of_it.exists():
            some_of_it.write_text((group / "memory.current").read_text())


def _own_group(controller: str) -> str:
    """The path of our own group in the tree of a controller; "" for the one of version 2."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return "/"


def _our_prefix() -> str:
    """Containers may share a tree of groups, and in each the same number is another process."""
    return f"{_PREFIX}{os.stat('/proc/self/ns/pid').st_ino}-"


def remove_stale_groups(base: Path) -> None:
    """Groups that a referee left when it was killed; the process that made one is in its name.

    Those of another PID namespace are left alone: who lives there cannot be seen from here.
    """
    for group in base.glob(f"{_our_prefix()}*"):
        owner = group.name.removeprefix(_our_prefix()).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            try:
                group.rmdir()
            except OSError:
                continue  # not empty yet: the next referee will find it
