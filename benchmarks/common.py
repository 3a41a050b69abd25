"""What every benchmark prints: a ratio against a named alternative, its spread, the machine."""

import statistics
from collections.abc import Sequence

from mlgolf.data.layout import default_data_dir
from mlgolf.referee.machine import load_average, machine

DATA_DIR = default_data_dir()


def spread(values: Sequence[float]) -> str:
    """Median with the range around it."""
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def variation(values: Sequence[float]) -> float:
    """Coefficient of variation, in percent."""
    return 100 * statistics.stdev(values) / statistics.mean(values)


def print_machine() -> None:
    found = machine()
    print(
        f"machine: {found['processor']}, {found['cores']} cores, kernel {found['kernel']}, "
        f"load average {load_average():.2f}"
    )
