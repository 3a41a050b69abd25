"""The order of submissions that share a rank: fewer bits, then earlier receipt, then by name.

The rank stays shared; only the order of the rows changes.
"""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np

from mlgolf.core.trial import Trial
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.studies import median_study, study_values


class TieBreak(NamedTuple):
    """Of one submission; the smaller one, compared field by field, stands first."""

    bits: float  # of the median study, summed over scored workloads; inf where not measured
    received: float  # when its first run was begun, in seconds since 1970; inf where unknown
    submission: str


def tie_breaks(standings: Standings, trials: Iterable[Trial]) -> tuple[TieBreak, ...]:
    """One for each submission, in the order of the standings. No two are equal.

    Args: trials: those that count.
    """
    first: dict[str, float] = {}
    last: dict[str, datetime] = {}  # most trials of a submission are of one run
    for trial in trials:
        name, received = trial.key.submission, trial.received
        if received is not None and received != last.get(name):
            first[name] = min(first.get(name, math.inf), received.timestamp())
            last[name] = received
    return tuple(
        TieBreak(bits=bits, received=first.get(name, math.inf), submission=name)
        for name, bits in zip(standings.pool.submissions, _bits(standings), strict=True)
    )


def _bits(standings: Standings) -> list[float]:
    """By submission, in the order of the standings."""
    studies = study_values(standings.pool, standings.pool.bits, standings.chosen)
    interpretations = standings.competition.rules.aggregation.interpretations
    medians, _ = median_study(studies, studies, interpretations)
    total = medians[:, list(standings.gates.scored)].sum(axis=-1)
    return np.where(np.isnan(total), np.inf, total).tolist()
