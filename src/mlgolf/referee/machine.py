"""What the machine is, and how busy it was: written beside every result."""

import ctypes
import importlib
import os
import platform
import zlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType


def machine(
    libraries: Mapping[str, str] = MappingProxyType({}), energy: str = "not looked for"
) -> dict[str, object]:
    """Processor, cores, memory, kernel.

    Args:
      libraries: versions of those on which what is measured depends.
      energy: what counts it, in words.
    """
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "energy": energy,
        **({"libraries": dict(libraries)} if libraries else {}),
    }


def libraries_of_bits() -> dict[str, str]:
    """Versions of what `bits` are measured by: three compressors, and what runs a model."""
    return {
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "bzip2": library_version("_bz2", "BZ2_bzlibVersion"),
        "liblzma": library_version("_lzma", "lzma_version_string"),
        "onnxruntime": metadata.version("onnxruntime"),
    }


def library_version(extension: str, function: str) -> str:
    """What a C library says of itself; of one that cannot be asked, the Python that has it."""
    file = getattr(importlib.import_module(extension), "__file__", None)  # None: in Python itself
    try:
        ask = getattr(ctypes.CDLL(file), function)
    except (AttributeError, OSError):
        return f"of Python {platform.python_version()}, {' '.join(platform.python_build())}"
    ask.restype = ctypes.c_char_p
    return ask().decode()


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
