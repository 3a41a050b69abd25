"""Effective compute: the physical compute that was spent, times what algorithms multiplied it by.

It is one number only as far as progress is the same at every scale and for every target; so it is
always told at which target the multiplier was measured.
"""

from dataclasses import dataclass

from mlgolf.core.errors import ScoringError


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveCompute:
    physical: float  # growth of the compute that was spent
    algorithmic: float  # the reduction factor at the target
    target: str

    @property
    def factor(self) -> float:
        return self.physical * self.algorithmic


def effective_compute(physical: float, algorithmic: float, target: str) -> EffectiveCompute:
    """Raises: ScoringError for a growth that is none."""
    if not physical > 0:
        raise ScoringError(
            f"--physical-growth: found {physical:g}; a factor is above 0, as 300000 for compute "
            "that grew 300,000 times"
        )
    return EffectiveCompute(physical=physical, algorithmic=algorithmic, target=target)
