"""How fast is this machine? The class's probe, run once at the start of a run.

Machines of one hardware class differ by a factor of two and more, so budgets are in seconds of the
class's reference machine, and trials of different machines are compared with care.
"""

import contextlib
import json
import os
import select
import statistics
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.referee.nursery import nursery_for
from mlgolf.referee.sandbox import HeldProcess

_PATIENCE_SECONDS = 60.0


class Calibration(BaseModel):
    """What the probe took on a machine, beside what it takes on the class's reference machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float  # median of the rounds
    spread: float  # between the quartiles of the rounds, as a share of the median
    reference_seconds: float

    @property
    def speed(self) -> float:
        """Times as fast as the reference machine."""
        return self.reference_seconds / self.seconds

    def as_json(self) -> dict[str, Any]:
        return {**self.model_dump(), "speed": self.speed}


class Probe:
    """Starts once the framework is imported, in a player's surroundings, on a player's cores.

    It is off by a quarter where two other processes are busy on two cores: one at most, please.
    """

    def __init__(self, framework: str, hardware: HardwareClass, cores: Sequence[int]) -> None:
        """Raises: SandboxError."""
        self._reference = hardware.reference
        self._held: HeldProcess | None = None
        if self._reference is None:
            return
        self._answer, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            self._held = HeldProcess(
                ["probe"], launch=nursery_for(framework, hardware).launch, inherit=[theirs],
                cores=cores,
            )
        except OSError as error:
            os.close(self._answer)
            raise SandboxError(f"the probe of this machine's speed failed: {error}") from error
        finally:
            os.close(theirs)
        self._held.start()

    def result(self) -> Calibration | None:
        """None for a class that has no reference machine. Raises: SandboxError."""
        if self._held is None or self._reference is None:
            return None
        text = b""
        with contextlib.closing(self):
            while select.select([self._answer], [], [], _PATIENCE_SECONDS)[0]:
                data = os.read(self._answer, 1 << 16)
                text += data
                if not data:
                    break
        try:
            low, middle, high = statistics.quantiles(json.loads(text), n=4)
        except ValueError as error:
            raise SandboxError(f"the probe of this machine's speed failed: {error}") from error
        return Calibration(
            seconds=middle, spread=(high - low) / middle,
            reference_seconds=self._reference.probe_seconds,
        )

    def close(self) -> None:
        if self._held is not None:
            self._held.stop()
            os.close(self._answer)
            self._held = None
