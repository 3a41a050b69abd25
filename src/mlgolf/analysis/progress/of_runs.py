"""From run folders of one competition to the history of its record on each workload.

Every submission of a run is an entry, dated by when the run was begun, with the value that its
board has: the median study's. What it took is told in the objective, if less of it is better, and
in time and money to a fixed result: the target, where the objective is what it takes to get there;
otherwise the value that the first record had, kept within all bounds.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.analysis.progress.dates import DAYS
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.history import History, history_of
from mlgolf.analysis.progress.of_tables import Histories
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.quantities import quantities as all_quantities
from mlgolf.core.quantities import quantity
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.text import enumerated, number_of, several
from mlgolf.core.trial import Trial
from mlgolf.results.run_folder import RunFolder, read_runs
from mlgolf.scoring.objective import feasible_rows, objective_goal
from mlgolf.scoring.sources import open_source
from mlgolf.scoring.standings import Standings

LEAST_DAYS = 28  # between the first run and the last: below, a doubling time says nothing
TIME, DOLLARS = "time", "dollars"
MOMENT = 1e-9  # years: a thirtieth of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """Of one submission on one workload of a run."""

    submission: str
    workload: str
    received: datetime
    place: str
    value: float  # of the objective, median study; smaller is better, what is maximised is negated
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """What a result took, in one quantity."""

    result: _Result
    amount: float  # inf if never


def histories_of_runs(
    paths: Sequence[Path], *, workloads: Sequence[str] = (), quantities: Sequence[str] = (),
    baseline: str | None = None, confidence: float = CONFIDENCE, rulings: Path | None = None,
) -> Histories:
    """Args:
      quantities: the objective, or what is spent: these are time and cost, unless given.
      rulings: a folder of rulings of a jury; None for those of the competition.

    Raises: RunFolderError, UnknownName, ScoringError.
    """
    played = read_runs(paths)
    rules = open_source(paths, None, None, command="progress", rulings=rulings).as_played()
    results: list[_Result] = []
    notes: list[str] = []
    for path in paths:
        of_run, said = _results(path, rulings)
        results += of_run
        notes += said
    if not results:
        raise RunFolderError(". ".join([
            f"{paths[0]}: no submission has a result that counts", *dict.fromkeys(notes)
        ]))
    known = list(dict.fromkeys(one.workload for one in results))
    for workload in workloads:
        if workload not in known:
            raise UnknownName("workload with a result", workload, known=known)
    offered = list(dict.fromkeys([rules.rules.objective, TIME, DOLLARS]))
    spent = [name for name, measured in all_quantities().items() if measured.accumulates]
    for name in quantities:
        if name not in (*offered, *spent):
            raise UnknownName("quantity of these runs", name, known={*offered, *spent})
    found: list[History] = []
    alone: list[str] = []
    for workload in workloads or known:
        own = _in_time([one for one in results if one.workload == workload], baseline)
        notes += _maximised(rules, own)
        for name in quantities or offered:
            timed = [
                _Timed(result=one, amount=_amount(rules, played.ruleset, one, own[0].value, name))
                for one in own
            ]
            reached = [one for one in timed if 0 < one.amount < math.inf]
            if len(reached) > 1:
                found.append(_history(reached, name, _asked(rules, own[0], name), confidence))
            elif reached:
                alone.append(f"{workload} ({quantity(name).noun})")
    if alone and not found:
        raise RunFolderError(
            f"{paths[0]}: found one entry for each of {number_of(len(alone), 'target')}, of "
            f"{several(alone)}; a record needs two. Give another run of the same competition"
        )
    if alone:
        notes.append(
            f"{number_of(len(alone), 'target')} with one entry left out, since a factor needs two: "
            f"{several(alone)}"
        )
    if not found:
        raise RunFolderError(
            f"{paths[0]}: found no {enumerated(quantities or offered, 'or')} above 0 of a result "
            "that counts, so that nothing can be halved"
        )
    return Histories(
        title=rules.name, histories=tuple(found), notes=tuple(dict.fromkeys(notes))
    )


def _results(path: Path, rulings: Path | None) -> tuple[list[_Result], list[str]]:
    source = open_source([path], None, None, command="progress", rulings=rulings)
    competition = source.as_played()
    admitted = source.admitted(competition)
    begun = RunFolder(path).record.begun
    if begun is None:
        return [], [f"{path} left out: nobody wrote down when it was begun"]
    values, _ = Standings(competition, admitted.pool).medians
    found = [
        _Result(
            submission=submission, workload=workload, received=begun,
            place=f"{path}, {submission}", value=float(values[row, column]),
            trials=tuple(
                trial for trial in admitted.trials
                if (trial.key.submission, trial.key.workload) == (submission, workload)
            ),
        )
        for row, submission in enumerate(admitted.pool.submissions)
        for column, workload in enumerate(admitted.pool.workloads)
        if math.isfinite(values[row, column])
    ]
    unofficial = [f"unofficial: {said}" for said in admitted.unofficial]
    if any(trial.facts.held_out == "practice" for trial in admitted.trials):
        unofficial.append("practice, on held-out data that a submission could know")
    return found, [f"{path}: {said}" for said in (*admitted.all_notes, *unofficial)]


def _in_time(results: Sequence[_Result], baseline: str | None) -> list[_Result]:
    ordered = sorted(results, key=lambda one: one.received)
    if baseline is None:
        day = [one for one in ordered if one.received == ordered[0].received]
        first = min(day, key=lambda one: one.value)
    else:
        places = [at for at, one in enumerate(ordered) if one.submission == baseline]
        if not places:
            raise UnknownName("baseline", baseline, known={one.submission for one in ordered})
        first = ordered[places[0]]
    rest = (one for one in ordered if one is not first and one.received >= first.received)
    return [first, *rest]


def _amount(
    competition: Competition, ruleset: str, result: _Result, wanted: float, name: str
) -> float:
    """Args: wanted: the value of the objective that time and money are counted to."""
    rules, row = competition.rules, competition.workloads[result.workload]
    objective = rules.objective_quantity
    if name == rules.objective:
        return result.value if _is_minimised(competition, row) else math.inf
    if objective.accumulates:
        wanted = math.inf  # what it takes to the target is what is ranked
    factor = rules.tuning.under("self" if ruleset == "self" else "external").budget_factor
    by_study: dict[int, float] = {}
    for trial in result.trials:
        spent = _spent(competition, row, trial, wanted, name, factor)
        by_study[trial.key.study] = min(spent, by_study.get(trial.key.study, math.inf))
    ordered = sorted(by_study.values())
    return ordered[len(ordered) // 2] if ordered else math.inf


def _spent(
    competition: Competition, row: WorkloadRules, trial: Trial, wanted: float, name: str,
    budget_factor: float,
) -> float:
    """Until all bounds hold and the objective is as good as wanted; inf if never."""
    rules = competition.rules
    targets = rules.targets(row, rules.constraints, budget_factor=budget_factor, speed=trial.speed)
    sign = objective_goal(rules, row).sign
    values = sign * trial.values(rules.objective, row.metric)
    (reached,) = np.nonzero(feasible_rows(trial, targets, row.metric) & (values <= wanted))
    amount = trial.values(name, row.metric)[reached[0]] if len(reached) else math.inf
    return float(amount) if math.isfinite(amount) else math.inf


def _is_minimised(competition: Competition, row: WorkloadRules) -> bool:
    return objective_goal(competition.rules, row).sign > 0


def _asked(competition: Competition, first: _Result, name: str) -> str:
    """Which result is fixed, as the name of a target."""
    measured = competition.rules.objective_quantity
    if name == measured.name or measured.accumulates:
        return first.workload
    value = abs(first.value) if not _is_minimised(
        competition, competition.workloads[first.workload]
    ) else first.value
    return f"{first.workload}, {measured.noun} {measured.number(value)}"


def _maximised(competition: Competition, ordered: Sequence[_Result]) -> list[str]:
    """Who held the record of what has no factor, since more of it is better."""
    row = competition.workloads[ordered[0].workload]
    if _is_minimised(competition, row):
        return []
    measured = competition.rules.objective_quantity
    best, held = math.inf, []
    for one in ordered:
        if one.value < best:
            best = one.value
            held.append(f"{one.submission} {measured.number(-best)} ({one.received:%Y-%m-%d})")
    return [
        f"{ordered[0].workload}: more {measured.noun} is better, which has no factor; it was the "
        f"highest of {', '.join(held)}"
    ]


def _history(
    timed: Sequence[_Timed], name: str, target: str, confidence: float
) -> History:
    results = [one.result for one in timed]
    years = np.array([one.received.timestamp() for one in results]) / (DAYS * 24 * 3600) + 1970
    years[1:] += MOMENT * np.arange(1, len(years))  # the first is the baseline, also of its run
    entries = Entries(
        target=target, names=tuple(_names(results)), years=years,
        dates=tuple(f"{one.received:%Y-%m-%d %H:%M}" for one in results),
        amounts=np.array([one.amount for one in timed]),
        places=tuple(one.place for one in results),
    )
    days = float(np.ptp(years)) * DAYS
    short = days < LEAST_DAYS
    said = [f"all runs are of {days:.2g} days, too few for a doubling time"] if short else []
    if quantity(name).claimed:
        said.append(f"{quantity(name).noun}: as claimed by the submissions")
    return history_of(
        entries, with_trend=not short, quantity=_called(name), confidence=confidence,
        notes=tuple(said),
    )


def _called(name: str) -> str:
    measured = quantity(name)
    return measured.noun if measured.unit == "1" else f"{measured.noun} ({measured.unit})"


def _names(results: Sequence[_Result]) -> Iterator[str]:
    """Submissions; with a number where one was run again."""
    count: dict[str, int] = {}
    for one in results:
        count[one.submission] = count.get(one.submission, 0) + 1
        times = count[one.submission]
        yield one.submission if times == 1 else f"{one.submission} #{times}"

