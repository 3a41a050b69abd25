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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.messages import Assignment, Exited, Message, Stop
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import SandboxLevel
from mlgolf.player.channel import NEVER, Board, Channel, anonymous_memory
from mlgolf.player.link import Link
from mlgolf.player.play import play
from mlgolf.referee.cores import ALL_CORES, Cores
from mlgolf.referee.fork_server import ForkServerEnded, fork_server_for
from mlgolf.referee.machine import out_of_memory_kills
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

SEND_SECONDS = 10
PATIENCE_SECONDS = 10  # for a thread to reach its next hand-over


@dataclass(frozen=True, slots=True)
class ProcessPlayers:
    """Players in namespaces of their own, with the environment of their hardware class alone."""

    hardware: HardwareClass
    level: SandboxLevel = "process"  # or `bubblewrap`
    cores: Cores = ALL_CORES
    log: Path | None = None  # what they print goes there

    def start(self, plan: TrialPlan, capacity: int) -> "ProcessPlayer":
        """Raises: SandboxError."""
        kills_before = out_of_memory_kills()
        with contextlib.ExitStack() as undo:
            ours, theirs = connect(capacity)
            undo.callback(ours.channel.close)
            with contextlib.closing(theirs):
                held = self._hold(plan, theirs)
            undo.callback(held.stop)
            player = ProcessPlayer(ours, held, self.level, self.cores, kills_before)
            held.start()
            player.send(assignment(plan, self.hardware))
            undo.pop_all()
        return player

    def _hold(self, plan: TrialPlan, ends: "PlayerEnds") -> HeldProcess:
        order = Order(
            argv=["play"],
            inherit=[ends.connection.fileno(), ends.board, ends.mapping],
            see=[plan.submission_file.parent, plan.data_folder / "train"],
            hide=[plan.run_folder, *folders_of_data(plan)],
            cores=self.cores.numbers,
            memory_bytes=self.hardware.memory_bytes,
            walls=self.level == "bubblewrap",
        )
        log = os.open(self.log or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            try:
                return self._held(plan, order, log)
            except ForkServerEnded:  # killed meanwhile: nothing was played, so another may try
                return self._held(plan, order, log)
        except OSError as error:
            raise SandboxError(f"the player's sandbox could not be made: {error}") from error
        finally:
            os.close(log)

    def _held(self, plan: TrialPlan, order: Order, log: int) -> HeldProcess:
        """Raises: ForkServerEnded for one that had worked; OSError for all else."""
        server = fork_server_for(
            plan.key.framework, self.hardware, self.level, large_folders(plan)
        )
        try:
            return HeldProcess(order, launch=server.launch, output=log)
        except OSError as error:
            if server.is_ready and server.has_ended:
                raise ForkServerEnded(*error.args) from error
            raise


def large_folders(plan: TrialPlan) -> list[Path]:
    """What a player sees parts of, and nobody hands over in memory."""
    return [plan.data_dir, plan.data_folder]


def folders_of_data(plan: TrialPlan) -> list[Path]:
    """The folder of data and those inside it above the trial's splits: links may lead elsewhere."""
    between = plan.data_folder.relative_to(plan.data_dir)
    folders = [plan.data_dir / part for part in (between, *between.parents)]
    return list(dict.fromkeys(folder.resolve() for folder in folders))


@dataclass(frozen=True, slots=True)
class ThreadPlayers:
    """Players in threads of this very process: for a debugger, never official."""

    hardware: HardwareClass

    def start(self, plan: TrialPlan, capacity: int) -> "ThreadPlayer":
        ours, theirs = connect(capacity)
        link = Link.over(theirs.connection, theirs.board, theirs.mapping)
        theirs.close_memory()
        ours.channel.send(assignment(plan, self.hardware))
        return ThreadPlayer(ours, link)


@dataclass(frozen=True, slots=True)
class RefereeEnds:
    """A stream of messages, a board, a mapping for models."""

    channel: Channel
    board: Board
    mapping: mmap.mmap


@dataclass(frozen=True, slots=True)
class PlayerEnds:
    """The same three: a socket, and descriptors of the memory."""

    connection: socket.socket
    board: int
    mapping: int

    def close(self) -> None:
        self.connection.close()
        self.close_memory()

    def close_memory(self) -> None:
        """What has been mapped stays."""
        os.close(self.board)
        os.close(self.mapping)


def connect(capacity: int) -> tuple[RefereeEnds, PlayerEnds]:
    """Ends of a new connection whose mapping holds models of `capacity` bytes."""
    ours, theirs = socket.socketpair()
    patience = struct.pack("ll", SEND_SECONDS, 0)  # a player that never reads holds nobody up
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    board = anonymous_memory("mlgolf-board", Board.BYTES)
    mapping = anonymous_memory("mlgolf-model", max(capacity, mmap.PAGESIZE))
    readable = mmap.mmap(mapping, os.fstat(mapping).st_size, prot=mmap.PROT_READ)
    ends = RefereeEnds(Channel(ours), Board(board), readable)
    ends.board.evaluate_at = NEVER
    return ends, PlayerEnds(theirs, board, mapping)


def assignment(plan: TrialPlan, hardware: HardwareClass) -> Assignment:
    """What a player is told of its plan."""
    return Assignment(
        submission_file=str(plan.submission_file),
        framework=plan.key.framework,
        contract=plan.contract,
        workload=plan.workload,
        size=plan.size,
        objective=plan.rules.objective,
        asked={target.metric: asdict(target) for target in plan.asked},
        workload_rules=plan.told_rules.model_dump(mode="json"),
        hyperparameters=plan.hyperparameters,
        seed=plan.seed,
        train_folder=str(plan.data_folder / "train"),
        threads=hardware.threads,
    )


class _ConnectedPlayer:
    """What both have in common, once they have been started."""

    def __init__(self, ends: RefereeEnds) -> None:
        self._channel, self._board, self._mapping = ends.channel, ends.board, ends.mapping

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


class ProcessPlayer(_ConnectedPlayer):
    """A player in a sandbox, by its ends and by the process that is held there."""

    def __init__(
        self, ends: RefereeEnds, held: HeldProcess, level: SandboxLevel, cores: Cores,
        kills_before: int,
    ) -> None:
        """`kills_before`: of the kernel, for want of memory, before this player was started."""
        super().__init__(ends)
        self._held, self._level = held, level
        self._cores, self._kills_before = cores, kills_before

    def receive(self, timeout: float) -> Message | None:
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
        deadline = time.monotonic() + patience
        while self._held.poll() is None and time.monotonic() < deadline:
            select.select([self._held], [], [], patience)
        return self._held.exit_code

    def cpu_seconds(self) -> float:
        return self._held.cpu_seconds()

    def freeze(self) -> None:
        self._held.freeze()

    def thaw(self) -> None:
        self._held.thaw()

    def use_core(self, core: int | None) -> None:
        cores = self._cores.numbers if core is None else (core,)
        if cores:
            self._held.use_cores(cores)

    def out_of_memory(self) -> str | None:
        if self._held.exit_code != -signal.SIGKILL:
            return None
        own = self._held.out_of_memory_kills()
        if own:
            return "the kernel ended it for want of memory"
        if own is None and out_of_memory_kills() > self._kills_before:
            return "the kernel ended a process of this machine for want of memory while it ran"
        return None

    def stop(self) -> None:
        self._held.stop()
        self._channel.close()

    def record(self) -> dict[str, Any]:
        shared = {"shared_cores": True} if self._cores.were_shared() else {}
        cores = list(self._cores.numbers)
        return {"level": self._level, "cores": cores, **shared, **self._held.record()}


class ThreadPlayer(_ConnectedPlayer):
    """A player in a thread, by the referee's ends and its own link."""

    def __init__(self, ends: RefereeEnds, link: Link) -> None:
        super().__init__(ends)
        self._cpu_at_end = 0.0
        self._thread = threading.Thread(
            target=self._play, args=[link], name="player", daemon=True
        )
        self._thread.start()

    def _play(self, link: Link) -> None:
        try:
            play(link)
        finally:
            self._cpu_at_end = time.thread_time()
            link.close()

    def receive(self, timeout: float) -> Message | None:
        try:
            return self._channel.receive(timeout=timeout)
        except EOFError:
            return Exited(None)

    def cpu_seconds(self) -> float:
        if self._cpu_at_end or not self._thread.is_alive() or self._thread.ident is None:
            return self._cpu_at_end
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    def freeze(self) -> None:
        """It waits for an answer; what else it may have started goes on, hence unofficial."""

    def thaw(self) -> None:
        pass

    def use_core(self, core: int | None) -> None:
        """A thread stays where it is."""

    def out_of_memory(self) -> str | None:
        return None

    def stop(self) -> None:
        """Tell it at its next hand-over: a thread cannot be killed."""
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
