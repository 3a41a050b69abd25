"""The numbers of the linear workload."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A hidden linear map with noise; features differ in scale, so learning rates matter."""

    dimensions: int = 32
    condition: float = 30.0  # largest over smallest standard deviation of a feature
    noise: float = 0.1
    initial_scale: float = 1.0  # what initial weights are multiplied by
    folder: str = "mini"
    is_made: bool = True
