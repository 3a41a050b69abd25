"""Sensitivity of a board to the interpretation of ambiguous rules, changed one at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, ScoringError
from mlgolf.core.rules import Interpretations
from mlgolf.core.text import enumerated
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.standings import Standings, ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInterpretation:
    """One rule interpreted differently. `scores` and `ranks` that change: name -> (now, then)."""

    name: str  # of the interpretation, e.g. "integral"
    used: str
    other: str
    scores: Mapping[str, tuple[float, float]]
    ranks: Mapping[str, tuple[int, int]]
    unknown: str  # why it cannot be computed from these data; empty if it can


def with_interpretations(competition: Competition, chosen: Mapping[str, str]) -> Competition:
    """The competition with some interpretations of its rules replaced.

    Raises: RulesError for an unknown interpretation or choice.
    """
    for name, choice in chosen.items():
        allowed = choices().get(name)
        if allowed is None:
            raise RulesError(f"unknown interpretation {name!r}; allowed are {', '.join(choices())}")
        if choice not in allowed:
            raise RulesError(
                f"interpretation {name}: found {choice!r}, allowed is {enumerated(allowed, 'or')}"
            )
    rules = competition.rules
    interpretations = rules.aggregation.interpretations.model_copy(update=dict(chosen))
    aggregation = rules.aggregation.model_copy(update={"interpretations": interpretations})
    changed = rules.model_copy(update={"aggregation": aggregation})
    return competition.model_copy(update={"rules": changed})


def meaning(name: str) -> str:
    """What is interpreted, in a few words."""
    return Interpretations.model_fields[name].description or ""


def choices() -> dict[str, tuple[str, ...]]:
    """The allowed values of each interpretation."""
    fields = Interpretations.model_fields
    return {name: get_args(field.annotation) for name, field in fields.items()}


def sensitivity(
    competition: Competition, pool_under: Callable[[Competition], Pool]
) -> list[OtherInterpretation]:
    """Every alternative to the interpretations in use, and the scores and ranks it would change.

    Args:
      pool_under: the trials under a competition's rules. It raises ScoringError where the data do
        not suffice.
    """
    pool = pool_under(competition)
    if not pool.submissions:
        return []
    now = Standings(competition, pool).scores
    found = []
    for name, allowed in choices().items():
        used = getattr(competition.rules.aggregation.interpretations, name)
        for other in allowed:
            if other != used:
                changed = with_interpretations(competition, {name: other})
                found.append(_compare(name, used, other, pool, now, changed, pool_under))
    return found


def _compare(
    name: str, used: str, other: str, pool: Pool, now: FloatArray, changed: Competition,
    pool_under: Callable[[Competition], Pool],
) -> OtherInterpretation:
    try:
        then = Standings(changed, pool_under(changed)).scores
    except ScoringError as error:
        return OtherInterpretation(
            name=name, used=used, other=other, scores={}, ranks={}, unknown=str(error)
        )
    before, after = ranks(now), ranks(then)
    return OtherInterpretation(
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
