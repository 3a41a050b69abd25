"""The referee's clock: CPU and wall seconds of a player, with frozen time left out."""

import time
from collections.abc import Callable
from typing import Any, Literal

from mlgolf.core.protocols import Reading


class TrialClock:
    """Reads both kinds of time; the rule of the hardware class says which one counts.

    The contestant can read a copy and cannot touch it: this object lives in the referee, and its
    source of CPU time was opened before the player's first instruction.
    """

    def __init__(
        self, rule: Literal["cpu", "wall"], wall_seconds: Callable[[], float] = time.monotonic, *,
        helpers: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Args: helpers: CPU seconds of processes that predict for the referee."""
        self._rule, self._wall, self._helpers = rule, wall_seconds, helpers
        self._cpu: Callable[[], float] = lambda: 0.0  # of nobody, until it is started
        self._cpu_zero = self._wall_zero = self._charged = 0.0
        self._paused: Reading | None = None

    def start(self, cpu_seconds: Callable[[], float]) -> None:
        self._cpu = cpu_seconds
        self._cpu_zero, self._wall_zero = self._cpu(), self._wall()

    def read(self) -> Reading:
        if self._paused is not None:
            return self._paused
        cpu = self._cpu() - self._cpu_zero + self._charged
        wall = self._wall() - self._wall_zero + self._charged
        return Reading(cpu if self._rule == "cpu" else wall, cpu, wall)

    def pause(self) -> Reading:
        self._paused, self._paused_at = self.read(), self._wall()
        return self._paused

    def resume(self) -> None:
        """Wall time goes on from where it stood. CPU time burnt while frozen counts."""
        self._wall_zero += self._wall() - self._paused_at
        self._paused = None

    def charge(self, seconds: float) -> None:
        """Add work that was done on the contestant's behalf while the clock stood still."""
        self._charged += seconds
        if self._paused is not None:
            self._paused = Reading(*(value + seconds for value in self._paused))

    def work(self) -> float:
        """What the referee has used: CPU seconds of it and its helpers, or wall seconds."""
        return time.process_time() + self._helpers() if self._rule == "cpu" else self._wall()

    def record(self) -> dict[str, Any]:
        return {"rule": self._rule}
