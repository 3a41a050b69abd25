"""A player that no longer steps."""

import statistics
from collections import deque

from mlgolf.core.hardware import Limits
from mlgolf.core.protocols import Reading


class Heartbeat:
    """Notices a player that no longer steps, by thawed wall time."""

    def __init__(self, limits: Limits, *, expected: bool = True) -> None:
        """Args: expected: False for who has no steps, and is held to its budget alone."""
        self._limits, self._step, self._since = limits, 0, 0.0
        self._expected = expected
        self._step_seconds: deque[float] = deque(maxlen=101)  # the latest

    def hung_for(self, step: int, reading: Reading) -> float | None:
        """Seconds without a tick, once they are too many."""
        if step != self._step:
            self._step_seconds.append((reading.wall - self._since) / max(step - self._step, 1))
            self._step, self._since = step, reading.wall
            return None
        median = statistics.median(self._step_seconds) if self._step_seconds else 0.0
        idle = reading.wall - self._since
        patience = max(self._limits.hung_seconds, self._limits.hung_steps * median)
        return idle if self._expected and idle > patience else None
