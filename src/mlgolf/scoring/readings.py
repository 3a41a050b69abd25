"""What a board would say if the rules were read otherwise, one reading at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, ScoringError
from mlgolf.core.rules import Readings
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.standings import Standings, ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherReading:
    """One choice in another way. `scores` and `ranks` have whom it would change: (now, then)."""

    name: str  # of the reading, e.g. "integral"
    used: str
    other: str
    scores: Mapping[str, tuple[float, float]]
    ranks: Mapping[str, tuple[int, int]]
    unknown: str  # why it cannot be told from these data; empty if it can


def with_readings(competition: Competition, chosen: Mapping[str, str]) -> Competition:
    """The competition with some readings of its rules replaced.

    Raises: RulesError for a reading or a choice that there is not.
    """
    for name, choice in chosen.items():
        allowed = choices().get(name)
        if allowed is None:
            raise RulesError(f"unknown reading {name!r}; there are {', '.join(choices())}")
        if choice not in allowed:
            raise RulesError(f"reading {name}: found {choice!r}, allowed is {' or '.join(allowed)}")
    rules = competition.rules
    readings = rules.aggregation.readings.model_copy(update=dict(chosen))
    aggregation = rules.aggregation.model_copy(update={"readings": readings})
    changed = rules.model_copy(update={"aggregation": aggregation})
    return competition.model_copy(update={"rules": changed})


def choices() -> dict[str, tuple[str, ...]]:
    """What may be said for each reading."""
    return {name: get_args(field.annotation) for name, field in Readings.model_fields.items()}


def other_readings(
    competition: Competition, pool_under: Callable[[Competition], Pool]
) -> list[OtherReading]:
    """Every single reading that is not followed, and what following it would change.

    Args:
      pool_under: the field's trials under a competition's rules. It raises ScoringError where the
        data do not tell.
    """
    pool = pool_under(competition)
    if not pool.submissions:
        return []
    now = Standings(competition, pool).scores
    found = []
    for name, allowed in choices().items():
        used = getattr(competition.rules.aggregation.readings, name)
        for other in allowed:
            if other != used:
                changed = with_readings(competition, {name: other})
                found.append(_compare(name, used, other, pool, now, changed, pool_under))
    return found


def _compare(
    name: str, used: str, other: str, pool: Pool, now: FloatArray, changed: Competition,
    pool_under: Callable[[Competition], Pool],
) -> OtherReading:
    try:
        then = Standings(changed, pool_under(changed)).scores
    except ScoringError as error:
        return OtherReading(
            name=name, used=used, other=other, scores={}, ranks={}, unknown=str(error)
        )
    before, after = ranks(now), ranks(then)
    return OtherReading(
        name=name, used=used, other=other, unknown="",
        scores={
            submission: (float(a), float(b))
            for submission, a, b in zip(pool.submissions, now, then, strict=True)
            if abs(a - b) > 1e-12
        },
        ranks={
            submission: (int(a), int(b))
            for submission, a, b in zip(pool.submissions, before, after, strict=True) if a != b
        },
    )
