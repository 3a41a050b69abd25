"""Small classes that stand in for the seams: a clock that one sets, a store in memory, a script."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.messages import Message
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.workload import SPLITS


class FakeClock:
    """Shows `seconds_per_read` more at every read, unless it is paused.

    Every piece of the referee's own work takes `work_per_look` seconds.
    """

    def __init__(self, seconds_per_read: float = 1.0, work_per_look: float = 0.0) -> None:
        self._per_read, self._seconds, self._paused = seconds_per_read, 0.0, False
        self._work_per_look, self._work = work_per_look, 0.0

    def start(self, cpu_seconds: Callable[[], float]) -> None:
        self._seconds = 0.0

    def read(self) -> Reading:
        if not self._paused:
            self._seconds += self._per_read
        return Reading(self._seconds, self._seconds, self._seconds)

    def pause(self) -> Reading:
        reading = self.read()
        self._paused = True
        return reading

    def resume(self) -> None:
        self._paused = False

    def charge(self, seconds: float) -> None:
        self._seconds += seconds

    def work(self) -> float:
        """Every look at it costs `work_per_look` seconds."""
        self._work += self._work_per_look
        return self._work

    def record(self) -> dict[str, Any]:
        return {"rule": "fake"}


class MemoryStore:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.lines: list[str] = []
        self.model = b""
        self.status: Status | None = None
        self.reason = ""
        self.verdict: VerdictRecord | None = None

    def begin(self, header: TrialHeader) -> None:
        self.header = header

    def append(self, row: Row) -> None:
        self.rows.append(row)

    def keep(self, model: bytes) -> None:
        self.model = model

    def log(self, text: str) -> None:
        self.lines.append(text)

    def finish(self, verdict: VerdictRecord) -> None:
        self.status, self.reason, self.verdict = verdict.status, verdict.reason, verdict


class ScriptedPlayer:
    """Sends the messages it is given, one per receive; None stands for silence.

    It is its own Players: the one that is started.
    """

    def __init__(self, script: Sequence[Message | None]) -> None:
        self._script = list(script)
        self.step = 0
        self.calls: list[str] = []
        self.told: list[Message] = []
        self.evaluations_at: list[int] = []

    def start(self, plan: TrialPlan, capacity: int) -> "ScriptedPlayer":
        self.calls.append("start")
        return self

    def receive(self, timeout: float) -> Message | None:
        message = self._script.pop(0) if self._script else None
        self.step = getattr(message, "step", self.step)
        return message

    def send(self, message: Message) -> None:
        self.told.append(message)

    def evaluate_at(self, step: int) -> None:
        self.evaluations_at.append(step)

    def show_clock(self, seconds: float) -> None:
        pass

    def cpu_seconds(self) -> float:
        return 0.0

    def freeze(self) -> None:
        self.calls.append("freeze")

    def thaw(self) -> None:
        self.calls.append("thaw")

    def use_core(self, core: int | None) -> None:
        self.calls.append(f"use core {core}")

    def model(self, length: int) -> bytes:
        return b"model"

    def out_of_memory(self) -> str | None:
        return None

    def stop(self) -> None:
        self.calls.append("stop")

    def record(self) -> dict[str, Any]:
        return {"level": "fake"}


class FakeEvaluator:
    """Answers each evaluation with the next of the given validation losses."""

    capacity = 64
    splits = SPLITS

    def __init__(self, losses: Sequence[float]) -> None:
        self._losses = list(losses)

    def warm_up(self) -> None:
        pass

    def untrained(self, seed: int) -> dict[str, NDArray]:
        return {"weight": np.zeros(1)}

    def read(self, model: bytes) -> dict[str, NDArray]:
        return {"weight": np.ones(1)}

    def evaluate(
        self, arrays: Mapping[str, NDArray], splits: Sequence[str]
    ) -> dict[str, float]:
        loss = self._losses.pop(0) if "validation" in splits else 1.0
        return {f"{split}/loss": loss for split in splits}
