"""A player that acts out a script over a real socket, a real board and a real mapping.

Its processes alone are pretended.
"""

import contextlib
import mmap
import os
from collections.abc import Callable, Sequence
from typing import Any

from hostile.scripts import Act

from mlgolf.core.messages import Message
from mlgolf.core.plan import TrialPlan
from mlgolf.referee.cores import ALL_CORES
from mlgolf.referee.players import ProcessPlayer, connect


class PretendedProcess:
    """What a HeldProcess is to a player: it ends when the script says so."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self._silent = os.eventfd(0)

    def fileno(self) -> int:
        return self._silent

    def poll(self) -> int | None:
        return self.exit_code

    def cpu_seconds(self) -> float:
        return 0.0

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def out_of_memory_kills(self) -> None: ...

    def stop(self) -> None:
        os.close(self._silent)

    def record(self) -> dict[str, str]:
        return {"files": "private", "cpu_time_source": "none"}


class HostilePlayer(ProcessPlayer):
    """Acts out a script, an act at each look of the referee, and keeps what was heard of it."""

    def __init__(self, acts: Sequence[Act], at_the_end: Callable[[], None]) -> None:
        """Args: at_the_end: called at each look once nothing more is to come."""
        self._acts, self._at_the_end = list(acts), at_the_end
        self.heard: list[Message | None] = []
        self.refused = ""
        self.models: list[bytes | None] = []  # taken by the referee; None: there was no such length

    def start(self, plan: TrialPlan, capacity: int) -> "HostilePlayer":
        ends, self._theirs = connect(capacity)
        self._theirs.connection.setblocking(False)
        self._written = mmap.mmap(self._theirs.mapping, os.fstat(self._theirs.mapping).st_size)
        self._cells = memoryview(mmap.mmap(self._theirs.board, mmap.PAGESIZE)).cast("q")
        self._process = PretendedProcess()
        held: Any = self._process
        super().__init__(ends, held, "process", ALL_CORES, kills_before=1 << 62)
        self._unsent = b""
        return self

    def receive(self, timeout: float) -> Message | None:
        self._act()
        try:
            message = super().receive(0)
        except ValueError as error:
            self.refused = str(error)
            raise
        self.heard.append(message)
        return message

    def model(self, length: int) -> bytes:
        self.models.append(None)
        self.models[-1] = super().model(length)
        return self.models[-1]

    def _exit_code(self, patience: float = 0.0) -> int | None:
        return super()._exit_code(patience)

    def _act(self) -> None:
        ends = self._theirs
        with contextlib.suppress(OSError):
            ends.connection.recv(1 << 20)  # it listens, and does not mind what it hears
        if not self._unsent:
            if not self._acts:
                if not self._channel.has_message():
                    self._at_the_end()
                return
            act = self._acts.pop(0)
            if act.model is not None:
                self._written[: len(act.model)] = act.model[: len(self._written)]
            for place, cell in enumerate(act.cells):
                self._cells[place] = int(cell) if abs(cell) < 2**63 else -1
            self._unsent = act.send
            if act.exit is not None:
                self._process.exit_code = act.exit
            if act.close:
                ends.connection.close()
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[ends.connection.send(self._unsent) :]

    def stop(self) -> None:
        super().stop()
        self._theirs.close()
        self._written.close()
