"""How fast is this machine? The class's probe, run once at the start of a run.

Machines of one hardware class differ by a factor of two and more, so budgets are in seconds of the
class's reference machine, and trials of different machines are compared with care.
"""

import json
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.records import Calibration
from mlgolf.referee.fork_server import PYTHON, player_environment

WORK = Path(__file__).with_name("work.py")
_PATIENCE_SECONDS = 60.0


def calibrate(hardware: HardwareClass, cores: Sequence[int]) -> Calibration | None:
    """Run the probe in a player's environment, on its cores (all if there are none).

    Where two other processes are busy on two cores it is off by a quarter; one does no harm.
    Returns: None for a class that has no reference machine. Raises: SandboxError.
    """
    if hardware.reference is None:
        return None
    try:
        probe = subprocess.run(
            [*PYTHON, str(WORK), *map(str, cores)], env=player_environment(hardware),
            capture_output=True, timeout=_PATIENCE_SECONDS, check=True,
        )
        low, middle, high = statistics.quantiles(json.loads(probe.stdout), n=4)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxError(f"the probe of this machine's speed failed: {error}") from error
    return Calibration(
        seconds=middle, spread=(high - low) / middle,
        reference_seconds=hardware.reference.probe_seconds,
    )
