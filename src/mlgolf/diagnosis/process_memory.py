"""Memory of this process and of the machine, as the kernel says."""

import resource
from contextlib import suppress
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_OWN = Path("/proc/self/status")


def peak_of_process() -> float:
    """Bytes of memory that this process had at most at one time since `forget_peak`, or ever."""
    if _OWN.exists():
        return 1024.0 * _field(_OWN, "VmHWM")
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_peak() -> None:
    """The peak counts from here on, where the kernel allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def memory_in_use() -> float:
    """Bytes of memory that this process has now."""
    return 1024.0 * _field(_OWN, "VmRSS")


def available_memory() -> float:
    """Bytes that a new process may take: what is free, or what its control group allows."""
    return min(1024.0 * _field(Path("/proc/meminfo"), "MemAvailable"), *_of_groups())


def limit_growth(bytes_more: float) -> None:
    """From here on this process gets that many more bytes of its own, then allocations fail."""
    now = 1024 * _field(_OWN, "VmData")
    limit = int(now + bytes_more)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _of_groups() -> list[float]:
    found = []
    for name in _LIMITS:
        file = Path(name)
        text = file.read_text().strip() if file.exists() else "max"
        found.append(float(text) if text.isdecimal() else float("inf"))
    return found


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
