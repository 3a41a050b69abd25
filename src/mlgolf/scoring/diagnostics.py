"""Beside the scores: win probabilities, leave-one-out ranks, training time, missing trials."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.text import number_of
from mlgolf.scoring.pool import EMPTY, Pool
from mlgolf.scoring.resampling import Uncertainty
from mlgolf.scoring.standings import Standings, ranks

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WinProbability:
    """Two submissions, the one with the higher score first."""

    ahead: str
    behind: str
    probability: float  # that the first scores higher, over resampled trials; ties count half
    significant: bool  # at 95%


def win_probabilities(uncertainty: Uncertainty) -> list[WinProbability]:
    """Every pair of a board, in its order."""
    standings = uncertainty.standings
    names, scores = standings.pool.submissions, standings.scores
    order = sorted(range(len(names)), key=lambda row: (-scores[row].round(12), names[row]))
    return [
        WinProbability(
            ahead=names[a], behind=names[b],
            probability=float(uncertainty.win_probability[a, b]),
            significant=bool(uncertainty.significant[a, b]),
        )
        for place, a in enumerate(order) for b in order[place + 1 :]
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut:
    """Ranks that change without one submission: name -> (rank among the others now, without)."""

    without: str
    ranks: Mapping[str, tuple[int, int]]


def leave_one_out(standings: Standings) -> list[LeaveOneOut]:
    """Each submission whose removal changes the ranks of others.

    Ratios are to the best submission on a workload, so removing that one changes the others'
    ratios.
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
                found.append(LeaveOneOut(without=name, ranks=moved))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTime:
    """Hours on the clock of the machine that ran the trials, without evaluations."""

    submission: str
    trials: int
    hours: float
    hours_without_target: float  # of trials that did not reach the target


def training_time(pool: Pool) -> list[TrainingTime]:
    """Hours of the trials of each submission."""
    hours = np.where(pool.played, pool.spent, 0.0) / HOUR
    without_target = np.where(np.isfinite(pool.objective), 0.0, hours)
    return [
        TrainingTime(
            submission=name, trials=int(pool.played[row].sum()), hours=float(hours[row].sum()),
            hours_without_target=float(without_target[row].sum()),
        )
        for row, name in enumerate(pool.submissions)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The lowest and highest score that a submission can get from the trials that are missing."""

    submission: str
    missing: int  # trials
    low: float
    high: float


def bounds(standings: Standings, trials: int) -> list[Bounds]:
    """Bounds on each score while trials are missing.

    Lowest: its own missing trials never reach the target, and those of all others reach it at once.
    Highest: the other way round.

    Args:
      trials: how many there should be in each study that searches.
    """
    pool = _with_room_for(standings.pool, trials)
    missing = ~pool.ended
    for at, name in enumerate(pool.workloads):  # the rules do not ask for more
        missing[:, at, :, standings.competition.workloads[name].trials_of(trials):] = False
    return list(_bounds(standings, pool, missing))


def bounds_in_words(bounds: Bounds) -> str:
    return (
        f"{bounds.submission}: {number_of(bounds.missing, 'trial')} missing, with them its "
        f"score will be between {bounds.low:.4f} and {bounds.high:.4f}"
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
    """The pool with its missing trials reaching their targets after `seconds`."""
    changed = {
        name: np.where(missing, seconds, getattr(pool, name))
        for name in ("objective", "seconds", "choice", "evaluation")
    }
    return replace(pool, played=pool.played | missing, **changed)
