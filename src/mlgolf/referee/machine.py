"""What the machine is, and how busy it was: written beside every result."""

import os
import platform
from pathlib import Path


def machine() -> dict[str, object]:
    """Processor, cores, memory, kernel. Energy is unknown here, never estimated."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "energy": "unknown",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def load_average() -> float:
    """Runnable processes, averaged over a minute by the kernel."""
    return os.getloadavg()[0]


def out_of_memory_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started."""
    for line in Path("/proc/vmstat").read_text().splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
