"""Which trial of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrialKey:
    """`study` counts from 0 and `trial` from 1, as AlgoPerf's folders do."""

    submission: str
    framework: str  # "torch" or "jax"
    workload: str  # a row of the competition
    study: int
    trial: int

    def __str__(self) -> str:
        study = f"{self.submission}/study_{self.study}"
        return f"{study}/{self.workload}_{self.framework}/trial_{self.trial}"
