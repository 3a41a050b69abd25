"""A process held by its referee: started in a sandbox, frozen, thawed, counted and ended.

Standard library only, so that it can be tried with any Python on any machine. The work inside the
sandbox is the supervisor's; this is the referee's end of the socket.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from mlgolf.referee.cpu_time import CpuTime, open_cpu_time

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_SETTLED_READS = 20
_PATIENCE_SECONDS = 10.0  # for an answer that takes a millisecond


class Supervisor(Protocol):
    """The referee's hold on a supervisor: as much of `subprocess.Popen` as it needs."""

    pid: int

    def wait(self, timeout: float | None = None) -> object: ...
    def send_signal(self, sig: int, /) -> None: ...


# (order, control socket's descriptor, descriptor for output) -> the supervisor of that order
Launch = Callable[[Mapping[str, object], int, int | None], Supervisor]


def run_script(
    order: Mapping[str, object], control: int, output: int | None
) -> subprocess.Popen:
    """A supervisor in a fresh interpreter, which starts any program."""
    inherit = order["inherit"]
    assert isinstance(inherit, Sequence)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR), str(control), json.dumps(order)],
        pass_fds=[control, *inherit], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        start_new_session=True,
    )


class HeldProcess:
    """One untrusted process and all it will ever start."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (), see: Sequence[Path] = (), hide: Sequence[Path] = (),
        cores: Sequence[int] = (), memory_bytes: int = 0, best_effort: bool = False,
        control_group: bool = True, output: int | None = None, launch: Launch = run_script,
    ) -> None:
        """Prepare it; `start` lets it go.

        Args:
          argv: program and arguments. environment: all of its environment, none by default.
          inherit: descriptors it keeps.
          see: folders that it may read, besides those of the system; nothing else is there (in
            namespaces only). hide: folders of which it sees nothing but what `see` names in them.
          cores: those it may run on, all if empty. memory_bytes: its address space, 0 for no limit.
          best_effort: do without namespaces, as on a machine that gives none.
          control_group: whether to try one for its CPU time before the task clock.
          output: descriptor for what it prints.
          launch: how its supervisor comes to be; others than `run_script` read `argv` their way.
        Raises: OSError if the supervisor does not come up.
        """
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {
            "argv": list(argv), "environment": dict(environment or {}), "inherit": list(inherit),
            "see": [str(path) for path in see], "hide": [str(path) for path in hide],
            "cores": list(cores),
            "memory_bytes": memory_bytes, "best_effort": best_effort,
        }
        try:
            self._supervisor = launch(order, theirs.fileno(), output)
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        self.exit_code: int | None = None
        self._stopped = False
        try:
            self._adopt(control_group)
        except BaseException:
            self.stop()
            raise

    def _adopt(self, control_group: bool) -> None:
        """Take the supervisor's first answer; open the source of CPU time before anything runs."""
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 1)
        if not data:
            raise OSError("the supervisor ended before it could start the player")
        answer = json.loads(data)
        clock = descriptors[0] if descriptors else None
        self.cpu_time: CpuTime = open_cpu_time(
            answer["pid"], self._supervisor.pid, clock, control_group=control_group
        )
        self.pid: int = answer["pid"]
        self._record = {
            "freezing": answer["freezing"], "files": answer["files"],
            "cpu_time_source": self.cpu_time.name,
            **({"namespaces_refused": answer["problem"]} if answer["problem"] else {}),
            **({"task_clock_refused": answer["task_clock"]} if answer["task_clock"] else {}),
        }

    def start(self) -> None:
        self._control.send(b"start")

    def freeze(self) -> None:
        """Return once every process stands still. Harmless on one that has ended."""
        self._ask(b"freeze", "frozen")
        self._settle()

    def thaw(self) -> None:
        self._ask(b"thaw", "thawed")

    def cpu_seconds(self) -> float:
        return self.cpu_time.seconds()

    def fileno(self) -> int:
        """For select: readable when the supervisor has something to tell."""
        return self._control.fileno()

    def poll(self) -> int | None:
        """Exit code of the first process once it has ended, minus the signal if by one."""
        while self.exit_code is None and select.select([self._control], [], [], 0)[0]:
            self._hear()
        return self.exit_code

    def record(self) -> dict:
        """How it is held: freezing method, source of CPU time, whether its files are private."""
        return self._record

    def stop(self) -> None:
        """End every process of it at once and wait until they are gone."""
        if self._stopped:
            return
        self._stopped = True
        self._control.close()  # the supervisor sees the end and leaves; its namespace goes with it
        try:
            self._supervisor.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._supervisor.send_signal(signal.SIGKILL)
            self._supervisor.wait()
        if hasattr(self, "cpu_time"):
            self.cpu_time.close()

    def _ask(self, command: bytes, reply: str) -> None:
        try:
            self._control.send(command)
            while self.exit_code is None:
                if not select.select([self._control], [], [], _PATIENCE_SECONDS)[0]:
                    self._supervisor.send_signal(signal.SIGKILL)  # somebody stopped the supervisor
                    self.exit_code = -signal.SIGKILL
                elif reply in self._hear():
                    break
        except (BrokenPipeError, ConnectionResetError):
            self.exit_code = self.exit_code if self.exit_code is not None else -signal.SIGKILL

    def _hear(self) -> dict:
        data = self._control.recv(65536)
        answer = json.loads(data) if data else {"exited": -signal.SIGKILL}
        if "exited" in answer:
            self.exit_code = answer["exited"]
        return answer

    def _settle(self) -> None:
        """A stop takes microseconds to reach a thread: read until the count stands still."""
        before = self.cpu_seconds()
        for _ in range(_SETTLED_READS):
            os.sched_yield()
            now = self.cpu_seconds()
            if now == before:
                return
            before = now
