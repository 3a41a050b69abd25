"""How the record of a board came down: who was a record when it came, over the record before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlgolf.scoring.records import exact_p, known_values, lacking, relative_gain
from mlgolf.scoring.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep:
    """A submission that was a record when it came."""

    submission: str
    received: datetime
    value: float  # median of the objective
    gain: float | None  # as a share of the record before; None of the first
    p: float | None  # of the test against it

    def as_json(self) -> dict[str, Any]:
        return {
            "submission": self.submission, "received": self.received.isoformat(),
            "value": self.value, "gain": self.gain, "p": self.p,
        }


def record_history(
    standings: Standings, ruleset: str, received: Mapping[str, float]
) -> list[RecordStep]:
    """Oldest first. The first with a value and all of its runs begins; each other is a record if
    the test of records says so of it and the record before.

    Args: received: by submission, when its first run was begun, in seconds since 1970.
    Returns: nothing unless each run is a result by itself, on one scored workload.
    """
    competition, pool = standings.competition, standings.pool
    scored, tuning = competition.scored_workloads, competition.rules.tuning
    if len(scored) != 1 or not tuning.stands_alone(ruleset):
        return []
    column = pool.workloads.index(scored[0])
    medians: list[float] = standings.medians[0][:, column].tolist()
    asked = tuning.under(ruleset).studies
    known = [
        (received[name], row) for row, name in enumerate(pool.submissions)
        if math.isfinite(received.get(name, math.inf)) and math.isfinite(medians[row])
    ]
    sign = 1.0 if standings.minimised[column] else -1.0
    steps: list[RecordStep] = []
    holder, rules = -1, competition.rules.record
    runs = standings.studies[:, column]
    for moment, row in sorted(known):
        gain = p = None
        if holder >= 0:
            gain = relative_gain(medians[row], medians[holder])
            if not gain >= rules.minimum_gain:
                continue  # as most: they are no record, whatever the test says
        if len(known_values(runs[row])) < asked:
            continue
        if gain is not None:
            p = exact_p(known_values(runs[row]), known_values(runs[holder]))
            if lacking(gain, p, rules):
                continue
        holder = row
        steps.append(RecordStep(
            submission=pool.submissions[row], received=datetime.fromtimestamp(moment, UTC),
            value=sign * medians[row], gain=gain, p=p,
        ))
    return steps
