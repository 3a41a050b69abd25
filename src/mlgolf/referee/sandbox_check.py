"""What the sandbox of this machine holds: each wall is tried from inside a real one.

Beside what the probes say (`wall_probes.py`) stands what the machine has to build walls of.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.core.errors import SandboxError
from mlgolf.referee import bubblewrap, kernel, landlock, seccomp
from mlgolf.referee.levels import bubblewrap_problem, setting
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess
from mlgolf.referee.sandbox_mounts import DEVICES
from mlgolf.referee.supervisor import MOST_TASKS

if TYPE_CHECKING:  # it needs more than the standard library
    from mlgolf.core.records import SandboxLevel

PROBES = Path(__file__).with_name("wall_probes.py")
MEMORY_BYTES = 256 << 20  # of the sandbox that is tried
MOST_NAMES = 200  # of the home folders, that must not be seen
_PATIENCE_SECONDS = 60.0
# What a contestant would try, in the order in which it is told.
ATTEMPTS = {
    "network": "reach a server on this machine",
    "other_sockets": "make vsock, packet, netlink or crypto sockets",
    "abstract_sockets": "reach a process by an abstract socket",
    "files_of_others": "see home folders, or files of the referee",
    "writing": "write outside of its scratch",
    "left_behind": "find files, memory or processes of an earlier trial",
    "environment": "see the referee's environment",
    "processes": "see or signal processes outside",
    "tracing": "read or trace other processes",
    "keyrings": "keep keys in the kernel",
    "namespaces": "make namespaces of its own",
    "mounts": "mount, or open files by handle",
    "kernel_interfaces": "use io_uring, bpf, perf, userfaultfd or modules",
    "other_calls": "make system calls of 32-bit programs",
    "privileges": "hold or gain privileges",
    "devices": "open devices that training does not need",
    "scratch": "fill the memory by files",
    "tasks": f"start over {MOST_TASKS} processes and threads",
    "memory": "take more memory, by several processes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    name: str
    attempt: str  # in words
    held: bool | None  # None: not tried
    why: str  # what got through, or what there was nothing to try it on; empty if it held


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCheck:
    level: "SandboxLevel"
    bubblewrap_problem: str  # why the machine does not give that level; empty if it does
    machine: Mapping[str, str]
    held_by: Mapping[str, str]  # as the record of a trial has it
    walls: tuple[Wall, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing got through."""
        return all(wall.held is not False for wall in self.walls)


def check_sandbox(level: "SandboxLevel | None" = None) -> SandboxCheck:
    """Try every wall. Takes a second or two, and 300 MB of memory for a moment.

    Args: level: None for the strongest that there is.
    Raises: SandboxError for a level that this machine does not give.
    """
    problem = bubblewrap_problem()
    chosen = level or ("process" if problem else "bubblewrap")
    with ExitStack() as until_tried:
        facts = _bait(until_tried)
        _tried(chosen, {**facts, "leave": True})
        found, record = _tried(chosen, {**facts, "leave": False})
    return SandboxCheck(
        level=chosen, bubblewrap_problem=problem, machine=machine_facts(), held_by=record,
        walls=tuple(_wall(name, found.get(name, {})) for name in ATTEMPTS),
    )


def _wall(name: str, found: Mapping[str, str]) -> Wall:
    through = found.get("through")
    why = found.get("not_tried", "the probes ended before") if through is None else through
    held = None if through is None else not through
    return Wall(name=name, attempt=ATTEMPTS[name], held=held, why=why)


def _bait(until_tried: ExitStack) -> dict[str, Any]:
    """Things outside that must not be reached."""
    server = until_tried.enter_context(socket.create_server(("127.0.0.1", 0)))
    hidden = until_tried.enter_context(socket.socket(socket.AF_UNIX))
    abstract = f"mlgolf-{os.getpid()}"
    hidden.bind(f"\0{abstract}")
    hidden.listen()
    folder = until_tried.enter_context(tempfile.TemporaryDirectory(prefix="mlgolf-check-"))
    secret = Path(folder, "secret")
    secret.write_text("1")
    stranger = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    until_tried.callback(stranger.wait)
    until_tried.callback(stranger.kill)
    names = (Path(pattern).name for pattern in DEVICES)
    return {
        "port": server.getsockname()[1], "abstract": abstract, "pid": stranger.pid,
        "private": [str(secret), *_private()], "memory": MEMORY_BYTES, "tasks": MOST_TASKS,
        "variable": "PATH",
        "devices": [path.name for name in names for path in Path("/dev").rglob(name)],
    }


def _private() -> list[str]:
    """What lies in home folders, but for the places of Python and mlgolf."""
    shown = [*map(Path, (sys.prefix, sys.base_prefix)), PROBES.parents[2]]
    found = (
        path for folder in {Path.home(), Path("/root"), *Path("/home").glob("*")}
        for path in _listed(folder)
    )
    private = (
        path for path in found
        if not any(path.is_relative_to(one) or one.is_relative_to(path) for one in shown)
    )
    return [str(path) for path, _ in zip(private, range(MOST_NAMES), strict=False)]


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except OSError:
        return  # no such folder, or another's


def _tried(
    level: "SandboxLevel", facts: Mapping[str, Any]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """What each probe says, and how the process was held. Raises: SandboxError."""
    order = Order(
        argv=[sys.executable, "-I", "-S", str(PROBES), json.dumps(facts)],
        environment={"MALLOC_ARENA_MAX": "1"},  # an arena of each thread would fill its memory
        see=[Path(sys.prefix), Path(sys.base_prefix), PROBES.parent],
        memory_bytes=MEMORY_BYTES, walls=level == "bubblewrap",
    )
    with tempfile.TemporaryFile() as said:
        try:
            held = HeldProcess(order, output=said.fileno())
        except OSError as error:
            raise SandboxError(
                f"no sandbox of level {level} could be made: {bubblewrap_problem() or error}"
            ) from error
        try:
            held.start()
            held.wait(_PATIENCE_SECONDS)
        finally:
            held.stop()
        said.seek(0)
        found: dict[str, dict[str, str]] = {}
        for line in said.read().decode(errors="replace").splitlines():
            if line.startswith("{"):  # what else is there a failing interpreter said
                found |= json.loads(line)
    return found, held.record()


def machine_facts() -> dict[str, str]:
    """What this machine has to build walls of, in words."""
    version = landlock.version()
    return {
        "kernel": os.uname().release,
        "bubblewrap": _bubblewrap_version(),
        "user": "root" if os.geteuid() == 0 else "an ordinary user",
        "user namespaces": setting("user/max_user_namespaces") or "no",
        "seccomp": seccomp.problem() or "yes",
        "landlock": f"version {version}" if version else "no",
        "control groups": _control_groups(),
        "tasks counted by namespace": "yes" if kernel.counts_tasks_by_namespace() else "no",
    }


def _bubblewrap_version() -> str:
    program = shutil.which(bubblewrap.PROGRAM)
    if program is None:
        return f"not found: {bubblewrap.INSTALL}"
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return said.removeprefix("bubblewrap").strip() or "unknown version"


def _control_groups() -> str:
    root = Path("/sys/fs/cgroup")
    if (root / "cpuacct").is_dir():
        version, top = "version 1", root / "cpuacct"
    elif (root / "cgroup.controllers").exists():
        version, top = "version 2", root
    else:
        return "no"
    return f"{version}, {'may be used' if os.access(top, os.W_OK) else 'not for this user'}"
