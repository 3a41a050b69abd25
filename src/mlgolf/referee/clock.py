"""The referee's clock: CPU and wall seconds of a player, and joules, with frozen time left out."""

import time
from collections.abc import Callable
from typing import Any, Literal

from mlgolf.core.protocols import Reading
from mlgolf.referee.energy import NO_METER, Meter


class TrialClock:
    """Reads both kinds of time; the rule of the hardware class says which one counts.

    The contestant can read a copy and cannot touch it: this object lives in the referee, and its
    source of CPU time was opened before the player's first instruction.
    """

    def __init__(
        self, rule: Literal["cpu", "wall"], wall_seconds: Callable[[], float] = time.monotonic, *,
        helpers: Callable[[], float] = lambda: 0.0, meter: Meter = NO_METER,
        price: Callable[[float], float] = lambda cpu: cpu,
    ) -> None:
        """Args:
          helpers: CPU seconds of processes that predict for the referee.
          meter: counts joules over just the intervals in which the clock runs.
          price: what the player's own CPU seconds count as where these rule: on a machine that
            does nothing else they would be fewer.
        """
        self._rule, self._wall, self._helpers, self._meter = rule, wall_seconds, helpers, meter
        self._cpu: Callable[[], float] = lambda: 0.0  # of nobody, until it is started
        self._cpu_zero = self._wall_zero = self._charged = self._own_cpu = 0.0
        self._price, self._shown = price, 0.0
        self._paused: Reading | None = None

    def start(self, cpu_seconds: Callable[[], float]) -> None:
        self._cpu = cpu_seconds
        self._cpu_zero, self._wall_zero = self._cpu(), self._wall()
        self._meter.resume()

    def read(self) -> Reading:
        if self._paused is not None:
            return self._paused
        self._own_cpu = self._cpu() - self._cpu_zero
        cpu = self._own_cpu + self._charged
        wall = self._wall() - self._wall_zero + self._charged
        seconds = self._priced() if self._rule == "cpu" else wall
        return Reading(seconds, cpu, wall, self._meter.joules())

    def _priced(self) -> float:
        """Never less than before: what is known of the price changes as the trial goes on."""
        self._shown = max(self._shown, self._price(self._own_cpu) + self._charged)
        return self._shown

    def pause(self) -> Reading:
        self._paused, self._paused_at = self.read(), self._wall()
        return self._paused

    def resume(self) -> None:
        """Wall time goes on from where it stood. What worked while frozen counts, by its CPU time.

        A timer can wake a process that was stopped: nobody shall train in the meantime.
        """
        frozen = self._wall() - self._paused_at
        burnt = self._cpu() - self._cpu_zero - self._own_cpu
        self._wall_zero += max(frozen - burnt, 0.0)
        self._meter.resume()
        self._paused = None

    def charge(self, seconds: float) -> None:
        """Add work that was done on the contestant's behalf while the clock stood still."""
        self._charged += seconds
        if self._paused is not None:
            self._paused = self._paused.later(seconds)

    def work(self) -> float:
        """What the referee has used: CPU seconds of it and its helpers, or wall seconds."""
        return time.process_time() + self._helpers() if self._rule == "cpu" else self._wall()

    def record(self) -> dict[str, Any]:
        metered = self._meter.record(self._own_cpu)
        return {"rule": self._rule, **({"energy": metered} if metered else {})}
