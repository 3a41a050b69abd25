"""The machine of a worker: a core that it has for itself, and what its class's probe finds."""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlgolf.core.errors import RulesError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.records import Calibration
from mlgolf.core.text import enumerated, number_of
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import lock_file, taken_cores

LOCK = "lock"  # of who works in a folder
ENDING_SECONDS = 10.0  # that one that was told to stop may still take

@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Raises: RulesError where another worker works in the same folder."""
    with open(folder / LOCK, "w") as file:
        until = time.monotonic() + ENDING_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RulesError(
                        f"{folder}: another worker works there. Give this one its own by --folder"
                    ) from None
                time.sleep(0.2)
        yield


@contextmanager
def own_core(hardware: HardwareClass) -> Iterator[None]:
    """For as long as a worker lives, a core of this machine that no other worker has.

    Players take cores themselves, one after the other, so with no more workers than cores each
    player has one for itself. A class that is not pinned to one core takes all.
    Raises: RulesError if there is none left.
    """
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    asked = 1 if hardware.pin_to_one_core else len(cores)
    with ExitStack() as held:
        mine: list[int] = []
        for core in cores:
            if len(mine) == asked:
                break
            with ExitStack() as attempt:
                lock = attempt.enter_context(lock_file(f"worker-of-core-{core}"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                held.push(attempt.pop_all())
                mine.append(core)
        if len(mine) < asked:
            raise RulesError(_no_core_left(hardware, cores, mine))
        yield


def _no_core_left(hardware: HardwareClass, cores: Sequence[int], free: Sequence[int]) -> str:
    taken = sorted(set(cores) - set(free))
    named = f"{'core' if len(taken) == 1 else 'cores'} {enumerated(taken)}"
    needs = "a core of its own" if hardware.pin_to_one_core else "all cores"
    return (
        f"another worker measures on {named} of this machine's {number_of(len(cores), 'core')}, "
        f"and a worker of {hardware.name} needs {needs}: two would disturb each other's clocks. "
        "End the other, or start this one on another machine"
    )


def probe_core(hardware: HardwareClass) -> Calibration | None:
    """The class's probe, as at the beginning of a run; None for a class without a reference."""
    with taken_cores(hardware) as cores:
        return calibrate(hardware, cores.numbers)


def disturbed(hardware: HardwareClass, calibration: Calibration | None) -> str:
    """Why nothing is to be measured here now; empty if nothing says so."""
    if calibration is None or hardware.reference is None:
        return ""
    if calibration.spread <= hardware.reference.noise:
        return ""
    return (
        f"the machine is too disturbed to measure on: rounds of the probe differ by "
        f"{calibration.spread:.0%}, the class {hardware.name} allows {hardware.reference.noise:.0%}"
    )


def probe_record(calibration: Calibration | None) -> dict[str, float] | None:
    """For the site: what the probe found; None where the class has no reference machine."""
    if calibration is None:
        return None
    return {
        "seconds": calibration.seconds, "spread": calibration.spread, "speed": calibration.speed,
    }
