"""The two ways to hold a player: a process in a sandbox, or a thread for the debugger."""

import contextlib
import mmap
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.messages import Assignment, Exited, Message, Stop
from mlgolf.core.plan import TrialPlan
from mlgolf.player.channel import NEVER, Board, Channel, anonymous_memory
from mlgolf.player.link import Link
from mlgolf.player.play import play
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.measure import out_of_memory_kills
from mlgolf.referee.sandbox import HeldProcess

SEND_SECONDS = 10
PATIENCE_SECONDS = 10  # for a thread to reach its next hand-over


class _SharedPlayer:
    """What both have in common: a stream of messages, a board, a mapping for models."""

    def __init__(self, hardware: HardwareClass) -> None:
        self._hardware = hardware

    def _open(self, capacity: int) -> tuple[socket.socket, int, int]:
        """Make the three; returns the player's ends."""
        ours, theirs = socket.socketpair()
        patience = struct.pack("ll", SEND_SECONDS, 0)  # a player that never reads holds nobody up
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self._channel = Channel(ours)
        board = anonymous_memory("mlgolf-board", Board.BYTES)
        mapping = anonymous_memory("mlgolf-model", max(capacity, mmap.PAGESIZE))
        self._board = Board(board)
        self._board.evaluate_at = NEVER
        self._mapping = mmap.mmap(mapping, os.fstat(mapping).st_size, prot=mmap.PROT_READ)
        return theirs, board, mapping

    @property
    def step(self) -> int:
        return self._board.step

    def send(self, message: Message) -> None:
        # It is gone, or does not read: the next receive, or the clock, says how that ends.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, BlockingIOError):
            self._channel.send(message)

    def evaluate_at(self, step: int) -> None:
        self._board.evaluate_at = step

    def show_clock(self, seconds: float) -> None:
        self._board.clock_seconds = seconds

    def model(self, length: int) -> bytes:
        """Raises: ValueError for a length that the mapping does not have."""
        if not 0 < length <= len(self._mapping):
            raise ValueError(f"a model of {length} bytes in a mapping of {len(self._mapping)}")
        return self._mapping[:length]

    def _assign(self, plan: TrialPlan) -> None:
        assignment = Assignment(
            submission_file=str(plan.submission_file),
            framework=plan.key.framework,
            workload=plan.key.workload,
            size=plan.size,
            numbers={
                **plan.numbers.model_dump(mode="json"),
                "budget_seconds": plan.numbers.budget_seconds / plan.speed,
            },
            hyperparameters=plan.hyperparameters,
            seed=plan.seed,
            train_folder=str(plan.data_folder / "train"),
            threads=self._hardware.threads,
        )
        self._channel.send(assignment)


class ProcessPlayer(_SharedPlayer):
    """A player in namespaces of its own, with the environment of its hardware class alone."""

    def __init__(
        self, hardware: HardwareClass, *, cores: Sequence[int] = (), log: Path | None = None
    ) -> None:
        super().__init__(hardware)
        self._cores, self._log = cores, log
        self._held: HeldProcess | None = None

    def start(self, plan: TrialPlan, capacity: int) -> None:
        theirs, board, mapping = self._open(capacity)
        inherit = [theirs.fileno(), board, mapping]
        log = os.open(self._log or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._kills_before = out_of_memory_kills()
        try:
            self._held = HeldProcess(
                ["play"],
                launch=fork_server_for(plan.key.framework, self._hardware).launch,
                inherit=inherit,
                see=[plan.submission_file.parent, plan.data_folder / "train"],
                hide=[plan.run_folder, plan.data_dir],
                cores=self._cores,
                memory_bytes=self._hardware.memory_bytes,
                output=log,
            )
        except OSError as error:
            raise SandboxError(f"the player's sandbox could not be made: {error}") from error
        finally:
            theirs.close()
            for descriptor in (board, mapping, log):
                os.close(descriptor)
        self._assign(plan)
        self._held.start()

    def receive(self, timeout: float) -> Message | None:
        assert self._held is not None
        if self._held.exit_code is None and not self._channel.has_message():
            select.select([self._channel, self._held], [], [], timeout)
        code = self._held.poll()
        try:
            message = self._channel.receive(timeout=0 if code is not None else timeout)
        except EOFError:
            return Exited(self._exit_code())
        return Exited(code) if message is None and code is not None else message

    def _exit_code(self, patience: float = 2.0) -> int | None:
        """The stream ends a moment before the process does."""
        assert self._held is not None
        deadline = time.monotonic() + patience
        while self._held.poll() is None and time.monotonic() < deadline:
            select.select([self._held], [], [], patience)
        return self._held.exit_code

    def cpu_seconds(self) -> float:
        assert self._held is not None
        return self._held.cpu_seconds()

    def freeze(self) -> None:
        assert self._held is not None
        self._held.freeze()

    def thaw(self) -> None:
        assert self._held is not None
        self._held.thaw()

    def out_of_memory(self) -> str | None:
        killed = self._held is not None and self._held.exit_code == -signal.SIGKILL
        if killed and out_of_memory_kills() > self._kills_before:
            return "the kernel ended a process for want of memory while it ran"
        return None

    def stop(self) -> None:
        if self._held is not None:
            self._held.stop()
        if hasattr(self, "_channel"):
            self._channel.close()

    def record(self) -> dict[str, Any]:
        held = self._held.record() if self._held is not None else {}
        return {"level": "process", "cores": list(self._cores), **held}


class ThreadPlayer(_SharedPlayer):
    """A player in a thread of this very process: for a debugger, never official."""

    def __init__(self, hardware: HardwareClass) -> None:
        super().__init__(hardware)
        self._thread: threading.Thread | None = None
        self._cpu_at_end = 0.0

    def start(self, plan: TrialPlan, capacity: int) -> None:
        theirs, board, mapping = self._open(capacity)
        link = Link.over(theirs, board, mapping)
        os.close(board)
        os.close(mapping)

        def run() -> None:
            try:
                play(link)
            finally:
                self._cpu_at_end = time.thread_time()
                link.close()

        self._thread = threading.Thread(target=run, name="player", daemon=True)
        self._assign(plan)
        self._thread.start()

    def receive(self, timeout: float) -> Message | None:
        try:
            return self._channel.receive(timeout=timeout)
        except EOFError:
            return Exited(None)

    def cpu_seconds(self) -> float:
        assert self._thread is not None
        if self._cpu_at_end or not self._thread.is_alive() or self._thread.ident is None:
            return self._cpu_at_end
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    def freeze(self) -> None:
        """It waits for an answer; what else it may have started goes on, hence unofficial."""

    def thaw(self) -> None:
        pass

    def out_of_memory(self) -> str | None:
        return None

    def stop(self) -> None:
        """Tell it at its next hand-over: a thread cannot be killed."""
        if self._thread is None:
            return
        self._board.evaluate_at = 0
        self.send(Stop())
        self._thread.join(timeout=PATIENCE_SECONDS)
        self._channel.close()
        if self._thread.is_alive():
            raise SandboxError(
                f"the submission did not return within {PATIENCE_SECONDS} s, and a thread cannot "
                "be killed: the run ends here. Use --sandbox process."
            )

    def record(self) -> dict[str, Any]:
        return {
            "level": "none", "freezing": "none", "files": "shared",
            "cpu_time_source": "thread clock",
        }


def player_cores(hardware: HardwareClass, slot: int = 0) -> tuple[int, ...]:
    """The core of a class that is pinned to one: the last we have, or further down for other slots.

    To be asked before this process moves off that core itself.
    """
    cores = sorted(os.sched_getaffinity(0))
    return (cores[-1 - slot % len(cores)],) if hardware.pin_to_one_core else ()
