"""What share of a device's peak rate training reaches, from published runs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlgolf.core.errors import RunFolderError
from mlgolf.results.measurement_table import Column, read_measurements

COLUMNS = (
    Column(name="model", is_number=False), Column(name="utilisation", positive=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    median: float
    quartiles: tuple[float, float]
    runs: int
    impossible: tuple[str, ...]  # runs of which it is above 1


def read_utilisation(path: Path) -> Utilisation:
    """Raises: RunFolderError for a table without a single share."""
    rows = read_measurements(path, COLUMNS)
    shares = rows["utilisation"].to_numpy()
    possible = shares[shares <= 1]
    if not len(possible):
        raise RunFolderError(
            f"{path}: utilisation: found {shares.min():g} and more; it is a share, at most 1"
        )
    low, high = np.quantile(possible, [0.25, 0.75])
    return Utilisation(
        median=float(np.median(possible)), quartiles=(float(low), float(high)),
        runs=len(possible), impossible=tuple(rows.filter(rows["utilisation"] > 1)["model"]),
    )  # fmt: skip
