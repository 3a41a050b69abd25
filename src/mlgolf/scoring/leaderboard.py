"""The leaderboard of a competition: from trials to ranks, aggregated as the rules say.

The same steps for every competition: the best trial of each study, the median over studies,
held-out workloads, the ratio to the best submission on a workload, then the area under a
performance profile or a geometric mean over workloads. An objective that is maximised enters the
ratios as its reciprocal, so that 1 is always the best and larger is worse.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.rules import Aggregation, Ruleset
from mlgolf.core.status import Outcome
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, admit
from mlgolf.scoring.held_out import missed_workload, outcomes
from mlgolf.scoring.jury import Tombstone, rulings_json
from mlgolf.scoring.labels import Labels, labels
from mlgolf.scoring.near_misses import NearMiss, near_miss
from mlgolf.scoring.objective import par_beaten
from mlgolf.scoring.profiles import score
from mlgolf.scoring.resampling import Uncertainty
from mlgolf.scoring.standings import Standings, ranks
from mlgolf.scoring.ties import TieBreak, tie_breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One submission on one workload: its median study."""

    value: float  # of the objective; inf, or -inf if it is maximised, where never reached
    seconds: float  # on the clock when the value was reached; inf where never
    ratio: float  # to the best on the workload, at least 1; inf where never
    outcome: Outcome
    studies: int  # with a trial that counts
    reached: int  # of them, those that reached a value
    range_of_values: tuple[float, float] | None  # of those, low and high; None if none did
    to_par: float | None = None  # the value over the best that is known; None where none is


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a leaderboard."""

    submission: str
    rank: int  # from 1; equal scores share a rank, and the ranks after it are skipped
    score: float  # in [0, 1], larger is better
    score_exact: float  # the same with the exact integral, where the rules integrate on a grid
    geometric_mean_ratio: float | None  # of times, to the baseline's; None where it has no meaning
    rank_group: int  # 1 + how many submissions score significantly higher, see resampling.py
    interval: tuple[float, float] | None  # 95%; None with too few studies to say
    range_of_studies: tuple[float, float] | None  # of the score, were each study the only one
    cells: Mapping[str, Cell]  # by workload, in the competition's order
    tie_break: TieBreak  # against those of the same rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Entries, best first, those of one rank as `ties.py` says. `notes` starts with those of the
    labels, then says who beats par and which trials were left out, and why.
    """

    competition: str
    ruleset: Ruleset
    framework: str | None  # None where there are no trials at all, or several are compared
    quantity: str  # the objective
    notice: str  # to stand on every board of this competition
    labels: Labels
    entries: tuple[Entry, ...]
    # By submission and scored workload: targets that were not reached, if evaluations are known.
    near_misses: Mapping[tuple[str, str], NearMiss]
    notes: tuple[str, ...]
    tombstones: tuple[Tombstone, ...] = ()  # what a jury disqualified, which counts nowhere
    rulings: tuple[JuryRuling, ...] = ()  # of a jury, on these submissions

    @property
    def tests_differences(self) -> bool:
        """Whether two submissions or more have enough studies to say if their scores differ."""
        return sum(entry.interval is not None for entry in self.entries) > 1

    @property
    def framework_in_words(self) -> str:
        if self.framework is None:
            return "all frameworks"
        return "framework unknown" if self.framework == "unknown" else self.framework


def score_competition(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Leaderboard:
    """Score the trials of all submissions together: a score depends on all submissions.

    Args:
      trials: of any number of submissions, in any order; those that do not count are noted.
      framework: the one to score. May be None where all trials are of one.
    Raises: ScoringError for mixed frameworks, a trial given twice, or an objective below 0.
    """
    admission = admit(competition, trials, ruleset, framework)
    uncertainty = Uncertainty(Standings(competition, admission.pool))
    return make_leaderboard(uncertainty, admission, ruleset)


def make_leaderboard(
    uncertainty: Uncertainty, admission: Admission, ruleset: Ruleset, *, baseline: str | None = None
) -> Leaderboard:
    """The leaderboard of all submissions, from logs or from a published table.

    Args:
      baseline: the submission that geometric means of ratios are taken to.
    Raises: ScoringError for an objective below 0, or an unknown baseline.
    """
    standings, competition = uncertainty.standings, uncertainty.standings.competition
    factor = competition.rules.tuning.under(ruleset).budget_factor
    to_baseline = standings.ratio_to(baseline, factor) if baseline else None
    found = labels(competition, admission.trials, admission.unofficial)
    entries = (
        _entries(uncertainty, to_baseline, tie_breaks(standings, admission.trials))
        if standings.pool.submissions else ()
    )
    return Leaderboard(
        competition=competition.name,
        ruleset=ruleset,
        framework=admission.framework,
        quantity=competition.rules.objective,
        notice=competition.notice,
        labels=found,
        entries=entries,
        near_misses=_near_misses(standings, admission.trials, factor),
        notes=(*found.notes, *_beaten_pars(competition, entries), *admission.notes),
        tombstones=admission.tombstones,
        rulings=admission.rulings,
    )


def to_json(board: Leaderboard) -> dict[str, Any]:
    """The stable form that `mlgolf score --json` prints; what is infinite becomes null."""
    return {
        "competition": board.competition,
        "tuning": board.ruleset,
        "framework": board.framework,
        "quantity": board.quantity,
        **({"notice": board.notice} if board.notice else {}),
        **board.labels.as_json(),
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
        "near_misses": [
            {"submission": submission, "scored_workload": workload, **asdict(miss)}
            for (submission, workload), miss in board.near_misses.items()
        ],
        **({"rulings": rulings_json(board.rulings)} if board.rulings else {}),
        **({"disqualified": [s.as_json() for s in board.tombstones]} if board.tombstones else {}),
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    numbers = {"time": cell.seconds, "value": cell.value, "ratio": cell.ratio}
    finite = {key: n if math.isfinite(n) else None for key, n in numbers.items()}
    to_par = {} if cell.to_par is None else {"to_par": cell.to_par}
    return {**finite, "outcome": cell.outcome.value, **to_par}


def spread_json(board: Leaderboard) -> list[dict[str, Any]]:
    """The values behind each median: how many studies have one, and how far apart they are."""
    return [
        {"submission": entry.submission, "workload": name, "studies": cell.studies,
         "studies_reached": cell.reached,
         "range_of_values": list(cell.range_of_values) if cell.range_of_values else None}
        for entry in board.entries for name, cell in entry.cells.items()
    ]  # fmt: skip


def _entries(
    uncertainty: Uncertainty, to_baseline: FloatArray | None, ties: Sequence[TieBreak]
) -> tuple[Entry, ...]:
    standings = uncertainty.standings
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
            rank_group=uncertainty.rank_groups[row],
            interval=uncertainty.intervals[row],
            range_of_studies=uncertainty.ranges[row],
            cells=cells,
            tie_break=ties[row],
        )
        for row, (submission, cells) in enumerate(
            zip(standings.pool.submissions, _cells(standings), strict=True)
        )
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.rank, entry.tie_break)))


def exactly(aggregation: Aggregation) -> Aggregation:
    """The same rules with the exact integral."""
    interpretations = aggregation.interpretations.model_copy(update={"integral": "exact"})
    return aggregation.model_copy(update={"interpretations": interpretations})


def _cells(standings: Standings) -> Iterator[dict[str, Cell]]:
    """For each submission its scored workloads."""
    names, gates = standings.competition.scored_workloads, standings.gates
    scored = list(gates.scored)
    # As lists of Python's own numbers: a board of thousands looks at each of them by itself.
    objective, seconds = (array[:, scored].tolist() for array in standings.medians)
    studies, ratios = standings.studies[:, scored].tolist(), standings.ratios.tolist()
    minimised = standings.minimised[scored].tolist()
    for row, found in enumerate(outcomes(standings.costs, gates)):
        yield {
            name: _cell(
                standings.competition, name, studies[row][number], objective[row][number],
                seconds[row][number], minimised[number], ratios[row][number], outcome,
            )
            for number, (name, outcome) in enumerate(zip(names, found, strict=True))
        }


def _cell(
    competition: Competition, workload: str, studies: Sequence[float], objective: float,
    seconds: float, minimised: bool, ratio: float, outcome: Outcome,
) -> Cell:
    reached = math.isfinite(objective)
    too_slow = ratio > competition.rules.aggregation.tau_max
    # A maximised objective of 0 was reached, and is infinitely far from the best.
    if reached and too_slow and outcome in (Outcome.SCORED, Outcome.TARGET_NOT_REACHED):
        outcome = Outcome.SLOWER_THAN_4X_BEST
    sign = 1.0 if minimised else -1.0
    value = sign * (objective if reached else math.inf)
    values = sorted(sign * study for study in studies if math.isfinite(study))
    par = competition.workloads[workload].par
    return Cell(
        value=value,
        seconds=seconds if reached else math.inf,
        ratio=ratio,
        outcome=outcome,
        studies=sum(not math.isnan(study) for study in studies),
        reached=len(values),
        range_of_values=(values[0], values[-1]) if values else None,
        to_par=value / par.value if par and reached and par.value else None,
    )


def _beaten_pars(competition: Competition, entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        for workload, cell in entry.cells.items():
            if said := par_beaten(competition, workload, entry.submission, cell.value):
                yield said


def _near_misses(
    standings: Standings, trials: Iterable[Trial], budget_factor: float
) -> dict[tuple[str, str], NearMiss]:
    """By submission and scored workload, where a target was not reached by the median study."""
    of_place: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        if len(trial.steps):  # of some only what they came to is known
            of_place.setdefault((trial.key.submission, trial.key.workload), []).append(trial)
    if not of_place:
        return {}
    names, gates = standings.competition.scored_workloads, standings.gates
    missed = [
        (submission, name, missed_workload(own, gates, column, outcome))
        for submission, own, row in zip(
            standings.pool.submissions, standings.costs, outcomes(standings.costs, gates),
            strict=True,
        )
        for name, column, outcome in zip(names, gates.scored, row, strict=True)
    ]
    misses = {
        (submission, name): _near_miss(standings, of_place, submission, column, budget_factor)
        for submission, name, column in missed
        if column is not None and (submission, standings.pool.workloads[column]) in of_place
    }
    return {place: miss for place, miss in misses.items() if miss is not None}


def _near_miss(
    standings: Standings, trials: Mapping[tuple[str, str], Sequence[Trial]], submission: str,
    column: int, budget_factor: float,
) -> NearMiss | None:
    row, workload = standings.pool.submissions.index(submission), standings.pool.workloads[column]
    return near_miss(
        trials.get((submission, workload), ()),
        np.flatnonzero(np.isinf(standings.studies[row, column])).tolist(),
        standings.competition.rules, standings.competition.workloads[workload],
        budget_factor=budget_factor,
    )
