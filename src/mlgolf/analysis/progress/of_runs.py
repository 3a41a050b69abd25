"""From run folders of one competition to the history of its record on each workload.

Every submission of a run is an entry, dated by when the run was begun, with the value that its
board has: the median study's. What it took is told in the objective, where less is better, and in
time and money until that value was measured.
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
from mlgolf.analysis.progress.table import Columns
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.quantities import quantity
from mlgolf.results.run_folder import RunFolder, read_runs
from mlgolf.scoring.admission import Admission
from mlgolf.scoring.sources import open_source
from mlgolf.scoring.standings import Standings

LEAST_DAYS = 28  # between the first run and the last: below, a doubling time says nothing
TIME, DOLLARS = "time", "dollars"
BUDGET = "budget_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """Of one submission on one workload of a run."""

    submission: str
    workload: str
    received: datetime
    place: str
    amounts: dict[str, float]  # quantity -> what it took
    budget: float  # seconds; NaN where there is none


def histories_of_runs(
    paths: Sequence[Path], *, workloads: Sequence[str] = (), quantities: Sequence[str] = (),
    baseline: str | None = None, confidence: float = CONFIDENCE,
) -> Histories:
    """Args: quantities: of "time", "dollars" and the objective; all that are known, unless given.

    Raises: RunFolderError, UnknownName, ScoringError.
    """
    competition = read_runs(paths).competition
    results: list[_Result] = []
    notes: list[str] = []
    for path in paths:
        of_run, said = _results(path)
        results += of_run
        notes += said
    if not results:
        raise RunFolderError(
            f"{paths[0]}: no submission has a result that counts. {' '.join(dict.fromkeys(notes))}"
        )
    known = list(dict.fromkeys(one.workload for one in results))
    for workload in workloads:
        if workload not in known:
            raise UnknownName("workload with a result", workload, known=known)
    offered = list(dict.fromkeys(name for one in results for name in one.amounts))
    for name in quantities:
        if name not in offered:
            raise UnknownName("quantity of these runs", name, known=offered)
    found = [
        _history(own, name, baseline, confidence)
        for workload in workloads or known for name in quantities or offered
        if (own := [r for r in results if r.workload == workload and name in r.amounts])
    ]
    return Histories(
        title=competition.name, histories=tuple(found), notes=tuple(dict.fromkeys(notes))
    )


def _results(path: Path) -> tuple[list[_Result], list[str]]:
    source = open_source([path], None, None, command="progress")
    competition = source.as_played()
    admitted = source.admitted(competition)
    begun = RunFolder(path).record.begun
    if begun is None:
        return [], [f"{path} left out: nobody wrote down when it was begun"]
    standings = Standings(competition, admitted.pool)
    values, seconds = standings.medians
    found = []
    for row, submission in enumerate(admitted.pool.submissions):
        for column, workload in enumerate(admitted.pool.workloads):
            if math.isfinite(values[row, column]):
                found.append(_Result(
                    submission=submission, workload=workload, received=begun,
                    place=f"{path}, {submission}",
                    amounts=_amounts(
                        standings, admitted, (submission, workload), float(values[row, column]),
                        float(seconds[row, column]), minimised=bool(standings.minimised[column]),
                    ),
                    budget=competition.workloads[workload].number(BUDGET) or math.nan,
                ))  # fmt: skip
    unofficial = [f"unofficial: {said}" for said in admitted.unofficial]
    return found, [f"{path}: {said}" for said in (*admitted.notes, *unofficial)]


def _amounts(
    standings: Standings, admitted: Admission, of: tuple[str, str], value: float, seconds: float,
    *, minimised: bool,
) -> dict[str, float]:
    """What can be halved: above 0, and less is better."""
    prices = [
        trial.facts.dollars_per_second for trial in admitted.trials
        if (trial.key.submission, trial.key.workload) == of
    ]
    price = float(np.nanmedian(prices)) if np.isfinite(prices).any() else math.nan
    objective = standings.competition.rules.objective
    found = {
        objective: value if minimised else math.nan, TIME: seconds, DOLLARS: seconds * price,
    }  # fmt: skip
    return {name: amount for name, amount in found.items() if 0 < amount < math.inf}


def _history(
    results: Sequence[_Result], name: str, baseline: str | None, confidence: float
) -> History:
    ordered = sorted(results, key=lambda one: one.received)
    if baseline is not None:
        places = [at for at, one in enumerate(ordered) if one.submission == baseline]
        if not places:
            raise UnknownName(
                "baseline", baseline, known={one.submission for one in ordered}
            )
        first = ordered.pop(places[0])
        ordered = [first, *(one for one in ordered if one.received >= first.received)]
    years = np.array([one.received.timestamp() for one in ordered]) / (DAYS * 24 * 3600) + 1970
    entries = Entries(
        target=ordered[0].workload, names=tuple(_names(ordered)), years=years,
        dates=tuple(f"{one.received:%Y-%m-%d %H:%M}" for one in ordered),
        amounts=np.array([one.amounts[name] for one in ordered]),
        places=tuple(one.place for one in ordered),
        numbers={
            "reached": np.array([one.amounts.get(TIME, math.nan) for one in ordered]),
            "ended": np.array([one.budget for one in ordered]),
        } if name == TIME else {},
    )  # fmt: skip
    days = float(np.ptp(years)) * DAYS
    short = days < LEAST_DAYS
    said = (
        f"{ordered[0].workload}: the runs are of {days:.3g} days, too few for a doubling time",
    ) if short else ()
    return history_of(
        entries, Columns(compute=name, reached=TIME, ended=BUDGET), with_trend=not short,
        quantity=quantity(name).noun, confidence=confidence, notes=said,
    )


def _names(results: Sequence[_Result]) -> Iterator[str]:
    """Submissions; with their place in time where one was run again."""
    count: dict[str, int] = {}
    for one in results:
        count[one.submission] = count.get(one.submission, 0) + 1
        times = count[one.submission]
        yield one.submission if times == 1 else f"{one.submission} #{times}"
