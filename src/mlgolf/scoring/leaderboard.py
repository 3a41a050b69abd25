"""The leaderboard of a competition: from trials to ranks, by the rules' own aggregation.

One path for every competition. Best trial of a study, median over studies, ratio to the best on a
workload, then a profile's area or a geometric mean over workloads. An objective that is maximised
enters the ratios as its reciprocal, so that 1 is the best and larger is worse everywhere.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.plan import Ruleset
from mlgolf.core.status import Outcome
from mlgolf.core.target import Goal
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, admit
from mlgolf.scoring.bootstrap import score_intervals
from mlgolf.scoring.objective import Reached, median_of_studies, never, objective_goal
from mlgolf.scoring.profiles import AGGREGATIONS, ratios_to_best


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
    interval: tuple[float, float] | None  # 95%, see bootstrap.py; None below 3 studies
    cells: Mapping[str, Cell]  # by workload, in the competition's order


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Entries, best first; of equal ones by name. `notes` says what it leaves out, and why."""

    competition: str
    ruleset: Ruleset
    framework: str | None  # None where there are no trials at all
    quantity: str  # the objective
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
    return Leaderboard(
        competition=competition.name,
        ruleset=ruleset,
        framework=admission.framework,
        quantity=competition.rules.objective,
        entries=_entries(competition, admission),
        notes=admission.notes,
    )


def to_json(board: Leaderboard) -> dict[str, Any]:
    """The stable form that `mlgolf score --json` prints; what is infinite becomes null."""
    return {
        "competition": board.competition,
        "tuning": board.ruleset,
        "framework": board.framework,
        "quantity": board.quantity,
        "notes": list(board.notes),
        "leaderboard": [
            {
                "submission": entry.submission,
                "rank": entry.rank,
                "score": entry.score,
                "interval": list(entry.interval) if entry.interval else None,
                "workloads": {name: _cell_json(cell) for name, cell in entry.cells.items()},
            }
            for entry in board.entries
        ],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    numbers = {"time": cell.seconds, "value": cell.value, "ratio": cell.ratio}
    finite = {key: n if math.isfinite(n) else None for key, n in numbers.items()}
    return {**finite, "outcome": cell.outcome.value}


def _entries(competition: Competition, admission: Admission) -> tuple[Entry, ...]:
    if not admission.submissions:
        return ()
    studies, medians = _cost_tables(competition, admission)
    ratios = ratios_to_best(medians)
    aggregation = competition.rules.aggregation
    score = partial(AGGREGATIONS[aggregation.workloads], tau_max=aggregation.tau_max)
    scores = score(medians)
    entries = [
        Entry(
            submission=submission,
            rank=_rank(own_score, scores),
            score=own_score,
            interval=interval,
            cells=_cells(competition, admission, submission, own_ratios),
        )
        for submission, own_score, interval, own_ratios in zip(
            admission.submissions, scores.tolist(), score_intervals(studies, score),
            ratios.tolist(), strict=True,
        )
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.rank, entry.submission)))


def _cost_tables(
    competition: Competition, admission: Admission
) -> tuple[list[list[FloatArray]], FloatArray]:
    """The objective as costs: at least 0, smaller is better, inf where never reached.

    Returns: [submission][workload] -> (studies,), and their medians (submissions, workloads).
    """
    studies, medians = [], []
    for submission in admission.submissions:
        row = []
        for workload, numbers in competition.workloads.items():
            goal = objective_goal(competition.rules, numbers)
            reached = [r.reached for r in admission.studies_of(submission, workload)]
            where = f"{submission} on {workload}"
            row.append(np.array([_cost(r, goal, where) for r in reached]))
            medians.append(_cost(_median(reached, goal), goal, where))
        studies.append(row)
    return studies, np.reshape(medians, (len(studies), len(competition.workloads)))


def _cost(reached: Reached, goal: Goal, where: str) -> float:
    if not reached.ever:
        return math.inf
    if reached.value < 0:
        raise ScoringError(
            f"{where}: the objective is {reached.value:g}. Scores are ratios to the best, which "
            "need values of at least 0: choose an objective that cannot be negative."
        )
    if goal is Goal.MINIMISE:
        return reached.value
    return 1 / reached.value if reached.value > 0 else math.inf


def _median(studies: list[Reached], goal: Goal) -> Reached:
    return median_of_studies(studies, goal) if studies else never(goal)


def _rank(score: float, scores: FloatArray) -> int:
    # Two sums of the same numbers in another order differ in their last bits and are a tie.
    return 1 + int((scores.round(12) > round(score, 12)).sum())


def _cells(
    competition: Competition, admission: Admission, submission: str, ratios: list[float]
) -> dict[str, Cell]:
    cells = {}
    tau_max = competition.rules.aggregation.tau_max
    for (name, numbers), ratio in zip(competition.workloads.items(), ratios, strict=True):
        goal = objective_goal(competition.rules, numbers)
        studies = [result.reached for result in admission.studies_of(submission, name)]
        median = _median(studies, goal)
        cells[name] = Cell(
            value=median.value,
            seconds=median.seconds,
            ratio=ratio,
            outcome=_outcome(median, ratio, tau_max) if studies else Outcome.NO_DATA,
        )
    return cells


def _outcome(median: Reached, ratio: float, tau_max: float) -> Outcome:
    if not median.ever:
        return Outcome.TARGET_NOT_REACHED
    return Outcome.SCORED if ratio <= tau_max else Outcome.SLOWER_THAN_4X_BEST
