"""Every run as it is shown anywhere, where each is a result by itself; and whether one is a record.

As `view.py`, text without markup.
"""

import math
from dataclasses import dataclass

from mlgolf.core.competition import Competition
from mlgolf.core.quantities import DIGITS, quantity
from mlgolf.core.rules import Ruleset, WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated, significant
from mlgolf.report.words import noun_on, three_digits, valued
from mlgolf.scoring.near_misses import rounded_beside
from mlgolf.scoring.qualification import Margin, QualifiedRun
from mlgolf.scoring.records import RecordTest
from mlgolf.scoring.review import Review

_SIGN = {Goal.MINIMISE: "≤", Goal.MAXIMISE: "≥"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginView:
    """A bound of one run."""

    value: str
    share: str  # of the bound, in percent; a dash where that has no meaning
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run."""

    submission: str
    seed: str
    verdict: str  # the word
    qualified: bool
    value: str  # of the objective, a dash where there is none
    models: str  # how many of those judged keep all bounds
    margins: tuple[MarginView, ...]  # in the order of the heads; empty if nothing was judged
    reason: str  # how it ended
    to_change: str  # empty if it qualified


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsView:
    """All runs on the one scored workload, in the order of the board; empty on other boards."""

    value_is: str
    bounded: tuple[str, ...]  # quantities: heads of the margins
    bounds: tuple[str, ...]  # what is asked of each; without a number where machines' differ
    runs: tuple[RunView, ...]
    reference: str  # what a budget is on the reference machine; empty if that is no other
    record: str  # whether the best is one, or why not; empty if no other has a value


def runs_view(review: Review) -> RunsView:
    competition, board = review.standings.competition, review.board
    scored = competition.scored_workloads
    if len(scored) != 1 or not review.runs:
        return RunsView(value_is="", bounded=(), bounds=(), runs=(), reference="", record="")
    place = {entry.submission: at for at, entry in enumerate(board.entries)}
    own = [run for run in review.runs if run.key.workload == scored[0]]
    own.sort(key=lambda run: (place[run.key.submission], run.key))
    margins = _by_bound(own)
    row = competition.workloads[scored[0]]
    return RunsView(
        value_is=noun_on(board.quantity, row),
        bounded=tuple(_words(of_one[0]) for of_one in margins),
        bounds=tuple(_asked(of_one, row) for of_one in margins),
        runs=tuple(_run(run, board.quantity, row) for run in own),
        reference=_on_reference(margins, competition, board.ruleset),
        record=_told(review.record, board.quantity, row.unit(board.quantity)),
    )


def _by_bound(runs: list[QualifiedRun]) -> list[tuple[Margin, ...]]:
    """The margins of all runs that had a model judged, for each bound."""
    return list(zip(*(run.result.margins for run in runs if run.result.margins), strict=True))


def _on_reference(
    margins: list[tuple[Margin, ...]], competition: Competition, ruleset: Ruleset
) -> str:
    """A sentence without its full stop, where budgets here are other seconds than in the rules."""
    rules, (name,) = competition.rules, competition.scored_workloads
    factor = rules.tuning.under(ruleset).budget_factor
    given = {
        target.metric: target.value
        for target in rules.targets(competition.workloads[name], budget_factor=factor)
    }
    for first, *others in margins:
        there = given[first.quantity]
        if first.bound == there and all(other.bound == there for other in others):
            continue
        said = f"Budgets are in seconds of the reference machine: {there:.4g} s"
        if any(other.bound != first.bound for other in others):
            return f"{said}, more or fewer on each machine by its speed"
        more = f"{first.bound:.4g} s on this machine, {first.bound / there:.3g} times as many"
        return f"{said} are {more}"
    return ""


def _words(margin: Margin) -> str:
    return margin.quantity.replace("_", " ")


def _asked(margins: tuple[Margin, ...], row: WorkloadRules) -> str:
    first = margins[0]
    if len({margin.bound for margin in margins}) > 1:
        return f"{_words(first)}, as each machine's speed allows"
    return f"{_words(first)} {_SIGN[first.goal]} {_bound(first, row)}"


def _bound(margin: Margin, row: WorkloadRules) -> str:
    unit = row.unit(margin.quantity)
    number = quantity(margin.quantity).given(margin.bound, DIGITS)
    return f"{number}{'' if unit == '1' else f' {unit}'}"


def _run(run: QualifiedRun, measured: str, row: WorkloadRules) -> RunView:
    result, unit = run.result, row.unit(measured)
    disturbed = f"; disturbed: {run.disturbed}" if run.disturbed else ""
    return RunView(
        submission=run.key.submission, seed=str(run.seed), verdict=result.verdict.value,
        qualified=result.qualified,
        value="–" if result.value is None else valued(measured, result.value, unit),
        models=f"{result.valid}/{result.models}",
        margins=tuple(_margin(margin, row) for margin in result.margins),
        reason=f"{result.reason}{disturbed}",
        to_change=result.to_change,
    )


def _margin(margin: Margin, row: WorkloadRules) -> MarginView:
    unit = row.unit(margin.quantity)
    missed = rounded_beside(margin.value, margin.bound) + ("" if unit == "1" else f" {unit}")
    value = valued(margin.quantity, margin.value, unit, 3) if margin.met else missed
    return MarginView(value=value, share=_share(margin), met=margin.met)


def _share(margin: Margin) -> str:
    """In whole percent, rounded away from the bound, so that 100% is the bound itself."""
    if margin.ratio is None:
        return "–"
    percent = round(100 * margin.ratio, 6)
    return f"{math.floor(percent) if percent < 100 else math.ceil(percent)}%"


def failures(runs: RunsView) -> list[str]:
    """A line for each run that did not qualify: why, and what to change."""
    return [
        f"{run.submission}, seed {run.seed}: {run.verdict}, {run.reason.removesuffix('.')}; to "
        f"change: {run.to_change}"
        for run in runs.runs if not run.qualified
    ]


def _told(test: RecordTest | None, measured: str, unit: str) -> str:
    """Who has no value is no opponent."""
    known = test is not None and math.isfinite(test.incumbent_value)
    return record_in_words(test, measured, unit) if test and known else ""


def record_in_words(test: RecordTest, measured: str, unit: str) -> str:
    """Whether the best of a board is a record over the next, or why not."""
    new, old = (
        valued(measured, value, unit) if math.isfinite(value) else "no value"
        for value in (test.value, test.incumbent_value)
    )
    verb = "beats" if test.is_record else "is ahead of"
    gained = f", a gain of {significant(100 * test.gain, 2)}%" if math.isfinite(test.gain) else ""
    runs = " + ".join(map(str, test.runs))
    over, lacks = f"a record over {test.incumbent}", enumerated(test.lacks)
    ruled = over if test.is_record else f"no record, as {lacks}"
    p = f"{test.p:.1g}" if test.p < 0.01 else three_digits(test.p)
    return (
        f"{test.challenger} {verb} {test.incumbent}: {new} against {old}{gained}; exact "
        f"one-sided p = {p} over {runs} runs: {ruled}"
    )
