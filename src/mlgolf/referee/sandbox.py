"""A process held by its referee: started in a sandbox, frozen, thawed, counted and ended.

Standard library only, so that it can be tried with any Python on any machine. The work inside the
sandbox is the supervisor's; this is the referee's end of the socket.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from mlgolf.referee import bubblewrap, kernel, processes
from mlgolf.referee.control_groups import NO_LIMITS, Limits
from mlgolf.referee.cpu_time import CpuTime, open_cpu_time
from mlgolf.referee.orders import (
    LONGEST_ANSWER,
    Answer,
    Command,
    Done,
    Ended,
    Hold,
    Order,
    Refused,
    decode_answer,
)
from mlgolf.referee.supervisor import MOST_TASKS

SUPERVISOR = Path(__file__).with_name("supervisor.py")
ENDED_EARLY = "the supervisor ended before it could start the player"
_SETTLED_READS = 20
_PATIENCE_SECONDS = 10.0  # for an answer that takes a millisecond
_START_SECONDS = 120.0  # for a supervisor to come up on a busy machine


class Supervisor(Protocol):
    """The referee's hold on a supervisor: as much of `subprocess.Popen` as it needs."""

    pid: int

    def wait(self, timeout: float | None = None) -> object: ...
    def send_signal(self, sig: int, /) -> None: ...


# (order, control socket's descriptor, descriptor for output) -> the supervisor of that order
Launch = Callable[[Order, int, int | None], Supervisor]


def run_script(order: Order, control: int, output: int | None) -> subprocess.Popen:
    """A supervisor in a fresh interpreter, which starts any program; behind two walls if asked."""
    script = [sys.executable, "-I", "-S", str(SUPERVISOR), str(control), order.encode()]
    if order.walls:
        see = [*order.see, SUPERVISOR.parents[2], Path(sys.prefix), Path(sys.base_prefix)]
        wall = bubblewrap.command(see, {}, dies_with_parent=in_main_thread())
        script = [*wall, *script, "walled"]
    return subprocess.Popen(
        script, pass_fds=[control, *order.descriptors], stdin=subprocess.DEVNULL, stdout=output,
        stderr=output, start_new_session=True,
    )


def in_main_thread() -> bool:
    """The kernel takes the end of the thread that started a process for the end of its parent."""
    return threading.current_thread() is threading.main_thread()


def number_of(process: int) -> int:
    """Of the process that a descriptor stands for, as it is numbered in our own namespace."""
    for line in Path(f"/proc/self/fdinfo/{process}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.removeprefix("Pid:"))
    raise OSError("this kernel does not say which process a descriptor stands for")


class HeldProcess:
    """One untrusted process and all it will ever start."""

    def __init__(
        self, order: Order, *, control_group: bool = True, output: int | None = None,
        launch: Launch = run_script,
    ) -> None:
        """Prepare it; `start` lets it go.

        Args:
          control_group: whether to try one for its CPU time before the task clock.
          output: descriptor for what it prints.
          launch: how its supervisor comes to be; others than `run_script` read `argv` their way.
        Raises: OSError if the supervisor does not come up, or cannot put up what was ordered.
        """
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.exit_code: int | None = None
        self._stopped = False
        try:
            self._supervisor = launch(order, theirs.fileno(), output)
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        limits = Limits(order.memory_bytes, MOST_TASKS) if order.walls else NO_LIMITS
        try:
            hold, task_clock = self._adopt()
            # Opened before anything runs.
            self.cpu_time: CpuTime = open_cpu_time(
                self.pid, self._supervisor.pid, task_clock, limits, control_group=control_group
            )
        except BaseException:
            self._end_supervisor()
            raise
        self._record = self._recorded(hold)
        if order.walls:
            self._record |= self._walls(hold)

    def _adopt(self) -> tuple[Hold, int | None]:
        """The supervisor's first answer, with the descriptor of the task clock if there is one."""
        if not select.select([self._control], [], [], _START_SECONDS)[0]:
            raise OSError(f"the supervisor said nothing within {_START_SECONDS:g} s")
        data, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_ANSWER, 2)
        if not data:
            raise OSError(ENDED_EARLY)
        hold = decode_answer(data)
        if isinstance(hold, Refused):
            raise OSError(hold.why)
        assert isinstance(hold, Hold), hold
        process, *task_clock = descriptors
        self.pid = number_of(process)
        os.close(process)
        return hold, task_clock[0] if task_clock else None

    def _recorded(self, hold: Hold) -> dict[str, str]:
        refused = {
            "namespaces_refused": hold.namespaces_refused,
            "task_clock_refused": hold.task_clock_refused,
        }
        return {
            "freezing": hold.freezing, "files": hold.files, "cpu_time_source": self.cpu_time.name,
            **{name: why for name, why in refused.items() if why},
        }

    def _walls(self, hold: Hold) -> dict[str, str]:
        """What the level `bubblewrap` leaves to the machine: how it was done here."""
        groups = self.cpu_time.limits
        each = kernel.counts_tasks_by_namespace() and os.geteuid() != 0  # root may exceed it
        return {
            "memory_limit": groups.get("memory", "address space of each process"),
            "task_limit": groups.get("pids", "RLIMIT_NPROC" if each else "none"),
            "landlock": f"version {hold.landlock}" if hold.landlock else "none",
        }

    def start(self) -> None:
        """Let it go. Of one whose supervisor is gone `poll` says so."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(Command.START.value)

    def freeze(self) -> None:
        """Return once every process stands still. Harmless on one that has ended."""
        self._ask(Command.FREEZE)
        self._settle()

    def thaw(self) -> None:
        self._ask(Command.THAW)

    def use_cores(self, cores: Iterable[int]) -> None:
        """Have every process of it go on on these cores. It is frozen."""
        if fields := processes.stat_fields(self.pid):
            processes.use_cores(int(fields[1]), cores)  # all that its parent holds

    def cpu_seconds(self) -> float:
        return self.cpu_time.seconds()

    def out_of_memory_kills(self) -> int | None:
        """Of its processes, by the kernel; None where it does not count them."""
        return self.cpu_time.out_of_memory_kills()

    def fileno(self) -> int:
        """For select: readable when the supervisor has something to tell."""
        return self._control.fileno()

    def poll(self) -> int | None:
        """Exit code of the first process once it has ended, minus the signal if by one."""
        while self.exit_code is None and select.select([self._control], [], [], 0)[0]:
            self._hear()
        return self.exit_code

    def wait(self, seconds: float) -> int | None:
        """Its exit code, as `poll`; None if it goes on for longer."""
        deadline = time.monotonic() + seconds
        while self.poll() is None and (left := deadline - time.monotonic()) > 0:
            select.select([self._control], [], [], left)
        return self.exit_code

    def record(self) -> dict[str, str]:
        """How it is held: freezing method, source of CPU time, whether its files are private."""
        return self._record

    def stop(self) -> None:
        """End every process of it at once and wait until they are gone."""
        if self._stopped:
            return
        self._stopped = True
        self._end_supervisor()
        self.cpu_time.close()

    def _end_supervisor(self) -> None:
        self._control.close()  # the supervisor sees the end and leaves; its namespace goes with it
        try:
            self._supervisor.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.send_signal(signal.SIGKILL)
            self._wait_for_the_killed()

    def _wait_for_the_killed(self) -> None:
        try:
            self._supervisor.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise OSError(
                f"process {self._supervisor.pid}, which holds a player, has been killed and does "
                "not end: the kernel waits for a device, or for a file system that is gone. End "
                "it, or restart the machine, before you play on"
            ) from None

    def _ask(self, command: Command) -> None:
        try:
            self._control.send(command.value)
            while self.exit_code is None:
                if not select.select([self._control], [], [], _PATIENCE_SECONDS)[0]:
                    self._supervisor.send_signal(signal.SIGKILL)  # somebody stopped the supervisor
                    self.exit_code = -signal.SIGKILL
                elif self._hear() == Done.of(command):
                    break
        except (BrokenPipeError, ConnectionResetError):
            self.exit_code = self.exit_code if self.exit_code is not None else -signal.SIGKILL

    def _hear(self) -> Answer:
        try:
            data = self._control.recv(LONGEST_ANSWER)
        except ConnectionResetError:  # it ended before it read what we had sent
            data = b""
        answer = decode_answer(data) if data else Ended(-signal.SIGKILL)
        if isinstance(answer, Ended):
            self.exit_code = answer.code
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
