"""How fast is this machine? The class's probe: at the start of a run, and around each trial.

Machines of one hardware class differ by a factor of two and more, so budgets are in seconds of the
class's reference machine, and trials of different machines are compared with care. A machine that
is slower around a trial than at the start of its run disturbed the trial (`background.py`).

One process does the work whenever it is asked, in a player's environment, so that two measurements
differ in nothing but what the machine did meanwhile.
"""

import atexit
import json
import os
import select
import statistics
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.records import Calibration
from mlgolf.referee.fork_server import PYTHON, player_environment

WORK = Path(__file__).with_name("work.py")
ROUNDS, ROUNDS_AROUND_A_TRIAL = 12, 3
Probe = Callable[[HardwareClass, Sequence[int]], float]
_PATIENCE_SECONDS = 300.0  # on a machine that is very busy
_workers: dict[tuple[tuple[str, str], ...], "_Worker"] = {}  # of this process, by environment
_one_at_a_time = threading.Lock()


def calibrate(hardware: HardwareClass, cores: Sequence[int]) -> Calibration | None:
    """Run the probe in a player's environment, on its cores (all if there are none).

    Where two other processes are busy on two cores it is off by a quarter; one does no harm.
    Returns: None for a class that has no reference machine. Raises: SandboxError.
    """
    if hardware.reference is None:
        return None
    low, middle, high = statistics.quantiles(_rounds(hardware, cores, ROUNDS), n=4)
    return Calibration(
        seconds=middle, spread=(high - low) / middle,
        reference_seconds=hardware.reference.probe_seconds,
    )


def probe(hardware: HardwareClass, cores: Sequence[int]) -> float:
    """Seconds of one round of the work, now, by the clock of the class. Raises: SandboxError."""
    return statistics.median(_rounds(hardware, cores, ROUNDS_AROUND_A_TRIAL))


def _rounds(hardware: HardwareClass, cores: Sequence[int], count: int) -> list[float]:
    environment = player_environment(hardware)
    key = tuple(sorted(environment.items()))
    with _one_at_a_time:
        try:
            worker = _workers.get(key) or _workers.setdefault(key, _Worker(environment))
            return worker.rounds(count, hardware.clock, cores or sorted(os.sched_getaffinity(0)))
        except BaseException as error:
            if left := _workers.pop(key, None):  # its answer may still come, and is nobody's then
                left.close()
            if not isinstance(error, OSError | ValueError):
                raise
            raise SandboxError(f"the probe of this machine's speed failed: {error}") from error


class _Worker:
    """The process that does the work. It ends when we do."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [*PYTHON, str(WORK)], env=dict(environment), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        atexit.register(self.close)

    def rounds(self, count: int, clock: str, cores: Sequence[int]) -> list[float]:
        """Raises: OSError, ValueError where it does not answer."""
        asked, answer = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answer is not None
        asked.write(json.dumps({"rounds": count, "clock": clock, "cores": [*cores]}).encode())
        asked.write(b"\n")
        asked.flush()
        if not select.select([answer], [], [], _PATIENCE_SECONDS)[0]:
            raise TimeoutError(f"no answer within {_PATIENCE_SECONDS:.0f} s")
        if not (line := answer.readline()):
            raise ValueError(f"its process ended with exit code {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        atexit.unregister(self.close)
        self._process.kill()
        self._process.communicate()
