"""A process held by its referee: started in a sandbox, frozen, thawed, counted and ended.

Standard library only, so that it can be tried with any Python on any machine. The work inside the
sandbox is the supervisor's; this is the referee's end of the socket.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mlgolf.referee.cpu_time import CpuTime, open_cpu_time
from mlgolf.referee.orders import (
    LONGEST_ANSWER,
    Answer,
    Command,
    Done,
    Ended,
    Hold,
    Order,
    decode_answer,
)

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_SETTLED_READS = 20
_PATIENCE_SECONDS = 10.0  # for an answer that takes a millisecond


class Supervisor(Protocol):
    """The referee's hold on a supervisor: as much of `subprocess.Popen` as it needs."""

    pid: int

    def wait(self, timeout: float | None = None) -> object: ...
    def send_signal(self, sig: int, /) -> None: ...


# (order, control socket's descriptor, descriptor for output) -> the supervisor of that order
Launch = Callable[[Order, int, int | None], Supervisor]


def run_script(order: Order, control: int, output: int | None) -> subprocess.Popen:
    """A supervisor in a fresh interpreter, which starts any program."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR), str(control), order.encode()],
        pass_fds=[control, *order.inherit], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        start_new_session=True,
    )


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
        Raises: OSError if the supervisor does not come up.
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
        try:
            hold, task_clock = self._adopt()
            # Opened before anything runs.
            self.cpu_time: CpuTime = open_cpu_time(
                hold.pid, self._supervisor.pid, task_clock, control_group=control_group
            )
        except BaseException:
            self._end_supervisor()
            raise
        self.pid = hold.pid
        self._record = self._recorded(hold)

    def _adopt(self) -> tuple[Hold, int | None]:
        """The supervisor's first answer, with the descriptor of the task clock if there is one."""
        data, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_ANSWER, 1)
        if not data:
            raise OSError("the supervisor ended before it could start the player")
        hold = decode_answer(data)
        assert isinstance(hold, Hold), hold
        return hold, descriptors[0] if descriptors else None

    def _recorded(self, hold: Hold) -> dict[str, str]:
        refused = {
            "namespaces_refused": hold.namespaces_refused,
            "task_clock_refused": hold.task_clock_refused,
        }
        return {
            "freezing": hold.freezing, "files": hold.files, "cpu_time_source": self.cpu_time.name,
            **{name: why for name, why in refused.items() if why},
        }

    def start(self) -> None:
        self._control.send(Command.START.value)

    def freeze(self) -> None:
        """Return once every process stands still. Harmless on one that has ended."""
        self._ask(Command.FREEZE)
        self._settle()

    def thaw(self) -> None:
        self._ask(Command.THAW)

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
            self._supervisor.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._supervisor.send_signal(signal.SIGKILL)
            self._supervisor.wait()

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
        data = self._control.recv(LONGEST_ANSWER)
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
