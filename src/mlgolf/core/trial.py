"""A trial: one measured run of one submission on one workload. Columnar, frozen, free of files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.quantities import CLOCKS, JOULES, STEPS, quantity
from mlgolf.core.records import UNKNOWN, TrialFacts, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the referee wrote down. The arrays have one entry per evaluation, in order."""

    key: TrialKey
    seed: int
    hyperparameters: Mapping[str, Any]  # empty in self-tuning
    status: Status | None  # None: it has no verdict yet
    reason: str
    steps: IntArray  # completed update_params calls
    seconds: FloatArray  # on the clock, never falling
    cpu_seconds: FloatArray
    wall_seconds: FloatArray
    metrics: Mapping[str, FloatArray]  # "validation/error_rate" -> values; NaN where not measured
    # What the submission logged itself: name -> (steps, values). Claims, which no score rests on.
    logged: Mapping[str, tuple[IntArray, FloatArray]] = field(default_factory=dict)
    joules: FloatArray | None = None  # None, or NaN, where no meter counted them
    charged_seconds: FloatArray | None = None  # what each evaluation cost beyond its free share
    model_sha256: tuple[str, ...] = ()  # of each evaluation; empty where nobody wrote it down
    unofficial: str = ""  # why it may not stand beside official trials; empty: it may
    received: datetime | None = None  # when its run was begun; None where nobody wrote it down
    facts: TrialFacts = UNKNOWN  # what else was known before it started
    verdict: VerdictRecord | None = None  # how it was held and how it ended

    @property
    def speed(self) -> float:
        """Times as fast as its class's reference machine its own was; 1 where nobody measured."""
        return self.facts.speed

    @property
    def total_seconds(self) -> float | None:
        """On the clock when it was over; None where nobody wrote it down."""
        total = self.verdict.total if self.verdict else None
        return total.seconds if total else None

    @property
    def broke_contract(self) -> bool:
        """Whether its submission would fail like this in every trial."""
        return self.verdict is not None and self.verdict.broke_contract

    @property
    def disturbed(self) -> str:
        """Why its seconds may be too many; empty if nothing says so."""
        return self.verdict.disturbed if self.verdict else ""

    @property
    def repeated(self) -> int:
        """How many attempts before it were disturbed, and set aside for that."""
        return self.verdict.repeated if self.verdict else 0

    @property
    def to_repeat(self) -> bool:
        """Whether another attempt is to follow, as the rules say of disturbed ones."""
        return self.verdict is not None and self.verdict.to_repeat

    @property
    def has_ended(self) -> bool:
        """Whether it needs no repeat."""
        return self.status is not None and self.status.is_final and not self.to_repeat

    def values(self, name: str, metric: str) -> FloatArray:
        """A quantity at every evaluation, NaN where it was not measured.

        Args: metric: the workload's, e.g. "error_rate".
        """
        declared = quantity(name)
        found = self._column(declared.column_for(metric))
        scale = declared.scale(self.facts.dollars_per_second)
        return found if scale == 1.0 else found * scale

    def _column(self, column: str) -> FloatArray:
        if column in CLOCKS:
            return getattr(self, column)
        if column == STEPS:
            return self.steps.astype(np.float64)
        found = self.joules if column == JOULES else self.metrics.get(column)
        return np.full(len(self.steps), np.nan) if found is None else found
