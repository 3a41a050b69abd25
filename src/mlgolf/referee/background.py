"""What else the machine does while a trial is played.

The class's probe runs on the player's cores before the player is started and after it has been
stopped, and the kernel's counts of /proc/stat say what went on in between: time that a virtual
machine was not given, and what programs used that are neither player nor referee. Together they
take a quarter of a second, off the clock.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.records import Background
from mlgolf.referee.calibration import Probe, probe

STAT = Path("/proc/stat")


class CoreSeconds(NamedTuple):
    """Of one core, since the kernel started."""

    busy: float
    stolen: float


def core_seconds(stat: str) -> dict[int, CoreSeconds]:
    """By core. Args: stat: the text of /proc/stat."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for line in stat.splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _, _, irq, softirq, steal, *_ = map(int, counts)
            busy = user + nice + system + irq + softirq
            found[int(name.removeprefix("cpu"))] = CoreSeconds(busy / ticks, steal / ticks)
    return found


def between(
    before: Mapping[int, CoreSeconds], after: Mapping[int, CoreSeconds], *,
    seconds: float, ours: float, cores: Sequence[int],
) -> Background:
    """What others did in a stretch of time.

    Args:
      seconds: of wall time.
      ours: CPU seconds that player and referee have used in it.
      cores: the player's; all if there are none.
    """
    same = before.keys() & after.keys()
    own = [core for core in cores if core in same] or [*same]
    busy = sum(after[core].busy - before[core].busy for core in same)
    stolen = sum(after[core].stolen - before[core].stolen for core in own)
    tick = 1 / os.sysconf("SC_CLK_TCK")  # at each end one may belong to another time
    return Background(
        wall_seconds=seconds,
        stolen=max(0.0, stolen - 2 * tick) / (seconds * max(len(own), 1)),
        others=max(0.0, busy - ours - 2 * tick) / seconds,
        other_cores=len(same) - len(own) or len(same),
    )


class BackgroundLoad:
    """What is told of one trial."""

    def __init__(
        self, hardware: HardwareClass, cores: Sequence[int], *, beside_trials: bool = False,
        helpers: Callable[[], float] = lambda: 0.0,
        probe: Probe = probe,
    ) -> None:
        """Args:
          cores: the player's; all if there are none.
          beside_trials: whether others of the run are played here, so that probes tell nothing.
          helpers: CPU seconds of processes that work for the referee.
        """
        self._hardware, self._cores, self._helpers = hardware, cores, helpers
        self._beside_trials, self._probe = beside_trials, probe
        self._problem = ""

    def begin(self) -> None:
        """Nothing of the player is there yet."""
        self._before = self._probed()
        self._began = self._now()

    def end(self, player: float) -> Background:
        """Nothing of it is left. Args: player: CPU seconds that it has used since its start."""
        (began, ours_before, cores_before), (now, ours, cores) = self._began, self._now()
        found = between(
            cores_before, cores, seconds=now - began, ours=ours - ours_before + player,
            cores=self._cores,
        )
        after = self._probed()
        return found.model_copy(update={
            "before": self._before, "after": after, "problem": self._problem,
            "beside_trials": self._beside_trials,
        })  # fmt: skip

    def _now(self) -> tuple[float, float, dict[int, CoreSeconds]]:
        ours = time.process_time() + self._helpers()
        return time.monotonic(), ours, core_seconds(STAT.read_text())

    def _probed(self) -> float | None:
        if self._beside_trials:
            return None
        try:
            return self._probe(self._hardware, self._cores)
        except SandboxError as error:  # no reason to lose the trial, and one to doubt its seconds
            self._problem = str(error)
            return None
