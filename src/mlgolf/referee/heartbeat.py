"""A player that no longer steps."""

import statistics
from collections import deque
from collections.abc import Sequence

from mlgolf.core.hardware import Limits
from mlgolf.core.protocols import Reading


class Heartbeat:
    """Notices a player that no longer steps.

    It is hung when its clock has run for too long without a step. Where that is CPU time, who
    sleeps or waits uses none, and is judged by wall time; who works gets its CPU time however busy
    the machine is, up to a wider bound on wall time.
    """

    def __init__(self, limits: Limits, *, expected: bool = True) -> None:
        """Args: expected: False for who has no steps, and is held to its budget alone."""
        self._limits, self._expected, self._step = limits, expected, 0
        self._last = Reading(0.0, 0.0, 0.0)  # at the latest step
        self._worked = self._last  # when it had last used enough CPU time to be at work
        self._on_clock: deque[float] = deque(maxlen=101)  # seconds of the latest steps
        self._on_wall: deque[float] = deque(maxlen=101)

    def why_hung(self, step: int, reading: Reading) -> str | None:
        """Why it counts as hung, in words; None while it does not."""
        if step != self._step:
            count = max(step - self._step, 1)
            self._on_clock.append((reading.seconds - self._last.seconds) / count)
            self._on_wall.append((reading.wall - self._last.wall) / count)
            self._step, self._last, self._worked = step, reading, reading
            return None
        if not self._expected:
            return None
        limits, patience = self._limits, self._patience(self._on_wall)
        if reading.cpu - self._worked.cpu >= limits.hung_core_share * patience:
            self._worked = reading
        on_clock = reading.seconds - self._last.seconds
        wall, asleep = reading.wall - self._last.wall, reading.wall - self._worked.wall
        if on_clock > self._patience(self._on_clock):
            return f"no step for {on_clock:.0f} s on its clock after step {step}"
        if asleep > patience:
            return (
                f"no step for {wall:.0f} s after step {step}: it slept or waited, using less than "
                f"{limits.hung_core_share:.2%} of a core in the last {asleep:.0f} s"
            )
        if wall > limits.hung_wall_factor * patience:
            used = reading.cpu - self._last.cpu
            return (
                f"no step for {wall:.0f} s of wall time after step {step}, in which it used "
                f"{used:.0f} s of CPU time"
            )
        return None

    def _patience(self, steps: Sequence[float]) -> float:
        """How long a step may take. Args: steps: how long the latest took."""
        median = statistics.median(steps) if steps else 0.0
        return max(self._limits.hung_seconds, self._limits.hung_steps * median)
