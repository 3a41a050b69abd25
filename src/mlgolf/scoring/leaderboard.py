"""The leaderboard of a competition: from trials to ranks, by the rules' own aggregation.

One path for every competition. One trial for a study, the median over studies, what held-out
variants strike out, the ratio to the best on a workload, then a profile's area or a geometric mean
over workloads. An objective that is maximised enters the ratios as its reciprocal, so that 1 is the
best and larger is worse everywhere.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.plan import Ruleset
from mlgolf.core.rules import Aggregation
from mlgolf.core.status import Outcome
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import admit
from mlgolf.scoring.held_out import outcomes
from mlgolf.scoring.profiles import score
from mlgolf.scoring.resampling import Doubt
from mlgolf.scoring.standings import Standings, ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One submission on one workload: its median study."""

    value: float  # of the objective; inf, or -inf if it is maximised, where never reached
    seconds: float  # on the clock when the value was reached; inf where never
    ratio: float  # to the best on the workload, at least 1; inf where never
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a board."""

    submission: str
    rank: int  # from 1; equal scores share a rank, and the ranks after it are skipped
    score: float  # in [0, 1], larger is better
    score_exact: float  # the same with the exact integral, where the rules integrate on a grid
    geometric_mean_ratio: float | None  # of times, to the baseline's; None where it has no meaning
    rank_group: int  # shared by all that cannot be told apart, see resampling.py
    interval: tuple[float, float] | None  # 95%; None with too few studies to say
    range_of_studies: tuple[float, float] | None  # of the score, were each study the only one
    cells: Mapping[str, Cell]  # by workload, in the competition's order


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Entries, best first; of equal ones by name. `notes` says what it leaves out, and why."""

    competition: str
    ruleset: Ruleset
    framework: str | None  # None where there are no trials at all, or several are compared
    quantity: str  # the objective
    notice: str  # to stand on every board of this competition
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]


def score_competition(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Leaderboard:
    """Score everybody's trials together: a score depends on whom one is compared with.

    Args:
      trials: of any number of submissions, in any order; those that do not count are noted.
      framework: the one to score. May be None where all trials are of one.
    Raises: ScoringError for mixed frameworks, a trial given twice, or an objective below 0.
    """
    admission = admit(competition, trials, ruleset, framework)
    doubt = Doubt(Standings(competition, admission.pool))
    return score_field(doubt, ruleset, framework=admission.framework, notes=admission.notes)


def score_field(
    doubt: Doubt, ruleset: Ruleset, *, framework: str | None, notes: Sequence[str] = (),
    baseline: str | None = None,
) -> Leaderboard:
    """The board of a field of trials, whatever they were read from.

    Args:
      baseline: the submission that geometric means of ratios are taken to.
    Raises: ScoringError for an objective below 0, or a baseline that is not there.
    """
    standings, competition = doubt.standings, doubt.standings.competition
    factor = competition.rules.tuning.under(ruleset).budget_factor
    to_baseline = standings.ratio_to(baseline, factor) if baseline else None
    return Leaderboard(
        competition=competition.name,
        ruleset=ruleset,
        framework=framework,
        quantity=competition.rules.objective,
        notice=competition.notice,
        entries=_entries(doubt, to_baseline) if standings.pool.submissions else (),
        notes=tuple(notes),
    )


def to_json(board: Leaderboard) -> dict[str, Any]:
    """The stable form that `mlgolf score --json` prints; what is infinite becomes null."""
    return {
        "competition": board.competition,
        "tuning": board.ruleset,
        "framework": board.framework,
        "quantity": board.quantity,
        **({"notice": board.notice} if board.notice else {}),
        "notes": list(board.notes),
        "leaderboard": [
            {
                "submission": entry.submission,
                "rank": entry.rank,
                "score": entry.score,
                "score_exact": entry.score_exact,
                "geometric_mean_ratio": entry.geometric_mean_ratio,
                "rank_group": entry.rank_group,
                "interval": list(entry.interval) if entry.interval else None,
                "range_of_studies": (
                    list(entry.range_of_studies) if entry.range_of_studies else None
                ),
                "workloads": {name: _cell_json(cell) for name, cell in entry.cells.items()},
            }
            for entry in board.entries
        ],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    numbers = {"time": cell.seconds, "value": cell.value, "ratio": cell.ratio}
    finite = {key: n if math.isfinite(n) else None for key, n in numbers.items()}
    return {**finite, "outcome": cell.outcome.value}


def _entries(doubt: Doubt, to_baseline: FloatArray | None) -> tuple[Entry, ...]:
    standings = doubt.standings
    exact = score(standings.counted, exactly(standings.competition.rules.aggregation))
    rank = ranks(standings.scores)
    ratio = np.full(len(rank), np.nan) if to_baseline is None else to_baseline
    entries = [
        Entry(
            submission=submission,
            rank=int(rank[row]),
            score=float(standings.scores[row]),
            score_exact=float(exact[row]),
            geometric_mean_ratio=float(ratio[row]) if np.isfinite(ratio[row]) else None,
            rank_group=doubt.rank_groups[row],
            interval=doubt.intervals[row],
            range_of_studies=doubt.ranges[row],
            cells=cells,
        )
        for row, (submission, cells) in enumerate(
            zip(standings.pool.submissions, _cells(standings), strict=True)
        )
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.rank, entry.submission)))


def exactly(aggregation: Aggregation) -> Aggregation:
    """The same rules with the exact integral."""
    readings = aggregation.readings.model_copy(update={"integral": "exact"})
    return aggregation.model_copy(update={"readings": readings})


def _cells(standings: Standings) -> Iterator[dict[str, Cell]]:
    """For each submission its scored workloads."""
    names, gates = standings.competition.scored_workloads, standings.gates
    worth, seconds = standings.medians
    for row, found in enumerate(outcomes(standings.costs, gates)):
        yield {
            name: _cell(
                standings, worth[row, column], seconds[row, column], standings.falls[column],
                standings.ratios[row, number], outcome,
            )
            for number, (name, column, outcome) in enumerate(
                zip(names, gates.scored, found, strict=True)
            )
        }


def _cell(
    standings: Standings, worth: float, seconds: float, falls: bool, ratio: float,
    outcome: Outcome,
) -> Cell:
    reached = bool(np.isfinite(worth))
    beyond = ratio > standings.competition.rules.aggregation.tau_max
    # A maximised objective of 0 was reached, and is infinitely far from the best.
    if reached and beyond and outcome in (Outcome.SCORED, Outcome.TARGET_NOT_REACHED):
        outcome = Outcome.SLOWER_THAN_4X_BEST
    sign = 1.0 if falls else -1.0
    return Cell(
        value=sign * (float(worth) if reached else math.inf),
        seconds=float(seconds) if reached else math.inf,
        ratio=float(ratio),
        outcome=outcome,
    )
