"""What a score hides: whom it tells apart, on whom else it depends, what it cost, what lacks."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.scoring.admission import counted
from mlgolf.scoring.pool import EMPTY, Pool
from mlgolf.scoring.resampling import Doubt
from mlgolf.scoring.standings import Standings, ranks

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two submissions, the one with the higher score first."""

    ahead: str
    behind: str
    probability: float  # that the first would score more in a field drawn anew; ties count half
    decided: bool  # at 95%


def pairs(doubt: Doubt) -> list[Pair]:
    """Every pair of a board, in its order."""
    standings = doubt.standings
    names, scores = standings.pool.submissions, standings.scores
    order = sorted(range(len(names)), key=lambda row: (-scores[row].round(12), names[row]))
    return [
        Pair(
            ahead=names[a], behind=names[b],
            probability=float(doubt.probability_ahead[a, b]), decided=bool(doubt.decided[a, b]),
        )
        for place, a in enumerate(order) for b in order[place + 1 :]
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Whom the absence of one entrant would move among the others: name -> (rank now, then)."""

    without: str
    ranks: Mapping[str, tuple[int, int]]


def absences(standings: Standings) -> list[Absence]:
    """Each entrant whose absence would change the order of the others.

    Ratios are to the best of the field, so that an entrant moves others by being fast somewhere.
    """
    names = standings.pool.submissions
    found = []
    for row, name in enumerate(names):
        others = [other for other in names if other != name]
        if others:
            now = ranks(np.delete(standings.scores, row))
            fewer = Standings(standings.competition, standings.pool.select(others))
            moved = {
                other: (int(a), int(b))
                for other, a, b in zip(others, now, ranks(fewer.scores), strict=True) if a != b
            }
            if moved:
                found.append(Absence(without=name, ranks=moved))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Hours on the clock of the machine that the trials ran on, evaluations left out."""

    submission: str
    trials: int
    hours: float
    hours_in_vain: float  # of trials that never reached what the rules ask for


def costs(pool: Pool) -> list[Cost]:
    """What each submission's trials took."""
    hours = np.where(pool.played, pool.spent, 0.0) / HOUR
    in_vain = np.where(np.isfinite(pool.worth), 0.0, hours)
    return [
        Cost(
            submission=name, trials=int(pool.played[row].sum()), hours=float(hours[row].sum()),
            hours_in_vain=float(in_vain[row].sum()),
        )
        for row, name in enumerate(pool.submissions)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Between what a score must lie, whatever the trials that are missing will do."""

    submission: str
    missing: int  # trials
    low: float
    high: float


def bounds(standings: Standings, trials: int) -> list[Bounds]:
    """Bounds on each score while trials are missing.

    At worst one's own missing trials never get there and those of all others do so at once; at
    best the other way round.

    Args:
      trials: how many there should be in each study.
    """
    pool = _with_room_for(standings.pool, trials)
    missing = ~pool.ended
    missing[..., trials:] = False  # more than the rules ask for are not missed
    return list(_bounds(standings, pool, missing))


def bounds_in_words(bounds: Bounds) -> str:
    return (
        f"{bounds.submission}: {counted(bounds.missing, 'trial')} missing, its score will be "
        f"between {bounds.low:.4f} and {bounds.high:.4f}"
    )


def _bounds(standings: Standings, pool: Pool, missing: BoolArray) -> Iterator[Bounds]:
    for row, name in enumerate(pool.submissions):
        own = np.zeros(missing.shape[0], dtype=bool)
        own[row] = True
        scores = []
        for at_once in (~own, own):
            reached = np.where(at_once[:, None, None, None], 0.0, math.inf)
            filled = _filled(pool, missing, reached)
            scores.append(float(Standings(standings.competition, filled).scores[row]))
        low, high = scores
        yield Bounds(submission=name, missing=int(missing[row].sum()), low=low, high=high)


def _with_room_for(pool: Pool, trials: int) -> Pool:
    lacking = max(trials - pool.played.shape[-1], 0)
    widened = {
        name: np.pad(
            getattr(pool, name), [(0, 0)] * 3 + [(0, lacking)], constant_values=empty
        )
        for name, empty in (("played", False), *EMPTY.items())
    }
    return replace(pool, **widened)


def _filled(pool: Pool, missing: BoolArray, seconds: FloatArray) -> Pool:
    """The pool with its missing trials reaching everything after `seconds`."""
    changed = {
        name: np.where(missing, seconds, getattr(pool, name))
        for name in ("worth", "seconds", "choice", "evaluation")
    }
    return replace(pool, played=pool.played | missing, **changed)
