"""Meters of energy: what a machine counts itself, and nothing that is estimated.

- RAPL: counters of each processor package, and of memory beside it, below /sys/class/powercap.
  They begin anew at a range that they declare, and most kernels show them to root alone.
- NVML: counters of NVIDIA's GPUs, by nvidia-ml-py (the extra `energy`).

Both count everything on the package or GPU, its idle power and other people's programs included,
so a trial whose rules ask for energy is official only if next to nothing else ran.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlgolf.core.errors import RulesError
from mlgolf.core.hardware import HardwareClass

POWERCAP = Path("/sys/class/powercap")
STAT = Path("/proc/stat")
OTHERS_CORES = 0.05  # of processor time, on average, that others may use beside an official trial
REMEDY = "Play it on a machine whose meter can be read, or under rules without energy."


class Counter(Protocol):
    """Counts joules from any zero."""

    @property
    def name(self) -> str: ...
    @property
    def span(self) -> float:
        """After so many joules it begins anew; inf: never."""
        ...

    def joules(self) -> float:
        """Raises: OSError where it cannot be read any more."""
        ...


@dataclass(frozen=True, slots=True)
class RaplZone:
    """A zone of the powercap tree, such as package-0."""

    folder: Path
    name: str
    span: float

    def joules(self) -> float:
        return _microjoules(self.folder / "energy_uj")


@dataclass(frozen=True, slots=True)
class NvmlGpu:
    """A GPU, since its driver was loaded."""

    nvml: Any  # the module pynvml
    handle: Any
    name: str
    span: float = math.inf

    def joules(self) -> float:
        try:
            return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3
        except self.nvml.NVMLError as error:
            raise OSError(f"{self.name}: {error}") from None


def _microjoules(file: Path) -> float:
    return int(file.read_text()) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Counters of a machine for a class, or why there are none."""

    counters: tuple[Counter, ...] = ()
    lacking: str = ""  # empty: there are some
    shared: str = ""  # who else uses what they count, as far as it says so

    def in_words(self) -> str:
        """For the record of a machine."""
        return ", ".join(counter.name for counter in self.counters) or f"no meter: {self.lacking}"


def rapl(powercap: Path = POWERCAP) -> Found:
    """Every processor package, and the memory beside it where that is counted apart.

    Other zones are parts of a package, or count it once more (psys, the copies called mmio).
    """
    zones = sorted(powercap.glob("intel-rapl:*"))
    kinds = {zone: _kind(zone) for zone in zones}
    counted = [zone for zone, kind in kinds.items() if kind in ("package", "dram")]
    if not any(kinds[zone] == "package" for zone in counted):
        return Found(lacking=f"no processor package counts energy in {powercap}")
    found: list[Counter] = []
    for zone in counted:
        try:
            span = _microjoules(zone / "max_energy_range_uj")
            counter = RaplZone(zone, f"RAPL {_label(zone)}", span)
            counter.joules()
        except PermissionError:
            return Found(
                lacking=f"{zone / 'energy_uj'} may be read by root alone. Run as root, or let this "
                f"user read it: sudo chmod a+r {powercap}/intel-rapl:*/energy_uj"
            )
        except (OSError, ValueError) as error:
            return Found(lacking=f"{zone / 'energy_uj'} cannot be read: {error}")
        found.append(counter)
    return Found(counters=tuple(found))


def _kind(zone: Path) -> str:
    """package, dram, core, uncore or psys; empty where it does not say."""
    try:
        return (zone / "name").read_text().strip().partition("-")[0]
    except OSError:
        return ""


def _label(zone: Path) -> str:
    """package-0; memory is named after its package, as intel-rapl:0:2 is in intel-rapl:0."""
    name = (zone / "name").read_text().strip()
    package = zone.parent / zone.name.rpartition(":")[0]
    return name if _kind(zone) == "package" else f"{name} of {_label(package)}"


def load_nvml() -> Any:
    """The module of nvidia-ml-py. Raises: ImportError."""
    import pynvml  # pyright: ignore[reportMissingImports]

    return pynvml


def nvml(load: Callable[[], Any] = load_nvml) -> Found:
    """Every NVIDIA GPU of the machine."""
    try:
        library = load()
    except ImportError:
        return Found(
            lacking="nvidia-ml-py is not installed. Install it with: pip install 'mlgolf[energy]'"
        )
    try:
        library.nvmlInit()
        handles = [
            library.nvmlDeviceGetHandleByIndex(n) for n in range(library.nvmlDeviceGetCount())
        ]
        names = [_text(library.nvmlDeviceGetName(handle)) for handle in handles]
        found = tuple(
            NvmlGpu(library, handle, f"NVML GPU {number} ({name})")
            for number, (handle, name) in enumerate(zip(handles, names, strict=True))
        )
        for counter in found:
            counter.joules()
        others = sum(len(_others_on(library, handle)) for handle in handles)
    except (library.NVMLError, OSError) as error:
        return Found(lacking=f"NVML says: {error}")
    if not found:
        return Found(lacking="NVML knows no GPU on this machine")
    shared = "other programs were on the GPUs when it began" if others else ""
    return Found(counters=found, shared=shared)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name  # by the version of the library


def _others_on(library: Any, handle: Any) -> list[int]:
    """Processes that compute on a GPU, but for ours."""
    running = library.nvmlDeviceGetComputeRunningProcesses(handle)
    return [process.pid for process in running if process.pid != os.getpid()]


def find_counters(hardware: HardwareClass) -> Found:
    """What the class is metered by, on this machine."""
    return nvml() if hardware.meter == "nvml" else rapl()


def busy_seconds(stat: Path = STAT) -> float:
    """CPU seconds that all processors have worked since the machine started; NaN if unknown."""
    try:
        ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:8]]
    except (OSError, ValueError, IndexError):
        return math.nan
    waiting = sum(ticks[3:5])  # idle, and for a disk
    return (sum(ticks) - waiting) / os.sysconf("SC_CLK_TCK")


class Meter:
    """Adds up what counters say, over the intervals between `resume` and the last `joules`."""

    def __init__(
        self, found: Found, *, needed: bool = False, busy: Callable[[], float] = busy_seconds
    ) -> None:
        """Args:
          needed: whether the rules ask for energy, so that a trial without it is no trial.
          busy: CPU seconds of everybody on the machine.
        """
        self._found, self._needed = found, needed
        self._busy = busy if needed else lambda: math.nan  # it takes time, for the record alone
        self._spent, self._busy_spent, self._lost = 0.0, 0.0, ""
        self._last: list[float] = []
        self._busy_last = 0.0

    def resume(self) -> None:
        """What came since the last `joules` is nobody's."""
        self._last, self._busy_last = self._read(), self._busy()

    def joules(self) -> float | None:
        """So far; None where nothing counts them.

        Raises: RulesError where a counter that the rules need can no longer be read.
        """
        before, now = self._last, self._read()
        if not now or self._lost:
            return None
        self._spent += sum(map(_since, self._found.counters, before, now))
        self._last = now
        busy = self._busy()
        self._busy_spent, self._busy_last = self._busy_spent + busy - self._busy_last, busy
        return self._spent

    def _read(self) -> list[float]:
        if self._lost:
            return []
        try:
            return [counter.joules() for counter in self._found.counters]
        except (OSError, ValueError) as error:
            self._lost = f"{error}"
            if self._needed:
                raise RulesError(
                    f"energy: the meter can no longer be read: {error}. The rules ask for it, so "
                    "this trial has no result; resume the run once it can be read."
                ) from None
            return []

    def record(self, cpu_seconds: float) -> dict[str, Any]:
        """What was counted, and how busy others kept the machine, for the verdict.

        Args: cpu_seconds: of the player, in the same intervals.
        """
        if not self._found.counters:
            return {}
        others = self._busy_spent - cpu_seconds
        return {
            "counters": [counter.name for counter in self._found.counters],
            "needed": self._needed,
            **({"others_cpu_seconds": round(max(0.0, others), 3)} if others == others else {}),
            **({"shared": self._found.shared} if self._found.shared else {}),
            **({"lost": self._lost} if self._lost else {}),
        }


def _since(counter: Counter, before: float, now: float) -> float:
    """Joules between two readings, of which less than one whole range can have passed."""
    return now - before if now >= before else now - before + counter.span


NO_METER = Meter(Found(lacking="nobody looked for one"))


def meter_for(hardware: HardwareClass, metered: Sequence[str], found: Found) -> Meter:
    """The meter of a trial. Args: metered: quantities of its rules that need one.

    Raises: RulesError if they need one and this machine has none.
    """
    if metered and not found.counters:
        raise RulesError(
            f"{metered[0]}: the rules ask for it, and this machine has no meter for the hardware "
            f"class {hardware.name!r}: {found.lacking}. Energy is never estimated. {REMEDY}"
        )
    return Meter(found, needed=bool(metered))


def why_unofficial(energy: dict[str, Any], wall_seconds: float) -> str:
    """Why a measured energy is no official one; empty if it is, or if the rules do not ask for it.

    Args: energy: what `Meter.record` says.
    """
    if not energy.get("needed"):
        return ""
    if energy.get("shared"):
        return f"energy is counted of the whole GPU, and {energy['shared']}"
    others = energy.get("others_cpu_seconds", 0.0)
    if others > OTHERS_CORES * wall_seconds:
        return (
            f"energy is counted of the whole package, and other programs used {others:.1f} CPU "
            "seconds while the trial ran"
        )
    return ""
