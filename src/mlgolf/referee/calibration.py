"""How fast is this machine? The class's probe, run once at the start of a run.

Machines of one hardware class differ by a factor of two and more, so budgets are in seconds of the
class's reference machine, and trials of different machines are compared with care.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass

PROGRAM = Path(__file__).with_name("work.py")
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
    """Starts at once, so that something else can be done meanwhile."""

    def __init__(self, hardware: HardwareClass, cores: Sequence[int]) -> None:
        self._reference = hardware.reference
        self._process: subprocess.Popen | None = None
        if self._reference is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", str(PROGRAM)], stdout=subprocess.PIPE, text=True,
                env={"PATH": os.defpath, **hardware.environment},
            )
            if cores:
                with contextlib.suppress(ProcessLookupError):  # it has failed: `result` will say so
                    os.sched_setaffinity(self._process.pid, cores)

    def result(self) -> Calibration | None:
        """None for a class that has no reference machine. Raises: SandboxError."""
        if self._process is None or self._reference is None:
            return None
        try:
            output, _ = self._process.communicate(timeout=_PATIENCE_SECONDS)
            low, middle, high = statistics.quantiles(json.loads(output), n=4)
        except (subprocess.TimeoutExpired, ValueError) as error:
            self.stop()
            raise SandboxError(f"the probe of this machine's speed failed: {error}") from error
        return Calibration(
            seconds=middle, spread=(high - low) / middle,
            reference_seconds=self._reference.probe_seconds,
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
