"""A board as it is shown anywhere: rows, cells and sentences as plain text, without markup.

Built once from a leaderboard or a review. The page, the terminal and a website only draw it, so
that all of them say the same. Names and messages from outside are in it as they are: whoever draws
them escapes them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlgolf.core.competition import Competition
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.quantities import DIGITS
from mlgolf.core.rules import ExternalTuning, SelfTuning
from mlgolf.core.status import Outcome
from mlgolf.core.text import number_of
from mlgolf.report.runs import RunsView, failures, runs_view
from mlgolf.report.words import (
    OUTCOMES,
    duration,
    how_ranked,
    missed_in_words,
    noun_on,
    price_in_words,
    question,
    three_digits,
    valued,
    with_unit,
)
from mlgolf.scoring.diagnostics import TrainingTime, bounds_in_words
from mlgolf.scoring.jury import Tombstone
from mlgolf.scoring.leaderboard import Cell, Entry, Leaderboard
from mlgolf.scoring.near_misses import NearMiss, rounded_best
from mlgolf.scoring.review import Review
from mlgolf.scoring.sensitivity import OtherInterpretation, meaning
from mlgolf.scoring.since import since_in_words

MOST_PROBLEMS = 20  # shown; the rest is counted
VALUED = (Outcome.SCORED, Outcome.SLOWER_THAN_4X_BEST)  # outcomes of a cell that shows its value
SHORT = {
    Outcome.TARGET_NOT_REACHED: "never", Outcome.NO_DATA: "none",
    Outcome.SLOWER_THAN_4X_BEST: "slow", Outcome.HELD_OUT_NOT_REACHED: "held",
    Outcome.HELD_OUT_NO_DATA: "held", Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held",
}  # fmt: skip
SHORT_MEANING = {
    "never": "target not reached", "none": "no data", "slow": "too slow to count",
    "held": "failed on the held-out workload",
}
RANGE_OF_RUNS, RANGE_OF_STUDIES = "range of runs", "range of studies"
TO_PAR, QUALIFIED, REACHED = "to par", "qualified", "reached"  # heads, of facts
TOO_FEW_STUDIES = "there are too few studies to test which scores differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissView:
    """How near a submission came to a target that it did not reach."""

    submission: str
    workload: str  # perhaps a held-out variant of the cell's
    quantity: str  # that the target is on; empty for the workload's own metric
    best: str
    seconds: str  # on the clock, without the unit
    target: str
    studies_missed: int
    studies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One submission on one workload."""

    workload: str
    value: str  # with its unit; where there is none, why
    ratio: str  # to the best on the workload; empty where there is none
    details: tuple[str, ...]  # what else there is to say of the value, or how near it came
    short: str  # the ratio or, in a word of `short_words`, why there is none
    failed: bool
    best: bool  # of all on the workload


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One submission."""

    rank: str
    group: str  # of submissions that differ significantly from others; empty if not tested
    submission: str
    score: str
    bounds: str  # of the score, as `bounds_are` says; empty if there are none
    cells: tuple[CellView, ...]  # in the order of the board's workloads
    facts: tuple[str, ...]  # of its value, as `fact_heads` say


@dataclass(frozen=True, slots=True, kw_only=True)
class TombstoneView:
    """What a jury disqualified."""

    submission: str
    what: str  # "all of it", or which run or trial
    date: str
    rule: str
    reason: str
    ruling: str  # its id, and the test that it became


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """A leaderboard."""

    title: str  # with the labels
    short_title: str  # by the name of the competition, with tuning, framework and labels
    question: str  # that the competition asks
    facts: tuple[str, ...]
    workloads: tuple[str, ...]
    # With one scored workload submissions are shown by their value on it, and facts of that; with
    # several by a score, and what is here is empty.
    value_is: str
    fact_heads: tuple[str, ...]
    tested: bool  # whether rows have groups
    bounds_are: str  # "95% interval" or "range of studies"; a row of another kind is marked
    rows: tuple[RowView, ...]
    misses: tuple[MissView, ...]
    short_words: tuple[str, ...]  # of cells, each with its meaning
    explained: tuple[str, ...]  # what the cells mean, how they become a score, how sure it is
    notes: tuple[str, ...]
    notice: str  # to stand wherever the board does; may be empty
    tombstones: tuple[TombstoneView, ...]  # disqualified: in no score and no rank
    rulings: tuple[str, ...]  # other rulings of a jury, a sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpretationView:
    """Another interpretation of an ambiguous rule."""

    name: str
    meaning: str
    used: str
    other: str
    changes: str  # of scores and ranks; "none", or why they are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A leaderboard with its diagnostics, a sentence each."""

    board: BoardView
    runs: RunsView  # every run
    failures: tuple[str, ...]  # runs that did not qualify: why, and what to change
    problems: tuple[str, ...]  # with reading the results
    diagnostics: tuple[str, ...]  # which scores differ, leave-one-out, training time
    bounds: tuple[str, ...]  # ratios to a baseline, and bounds while trials are missing
    target_levels: tuple[str, ...]
    # The last two are of scores, so there are none where runs are ranked by their values alone.
    interpretations: tuple[InterpretationView, ...]
    since: tuple[str, ...]  # earlier results


def review_view(review: Review) -> ReviewView:
    ratios = (
        f"{entry.submission}: × {entry.geometric_mean_ratio:.4f} the baseline's time (geometric "
        "mean over workloads)"
        for entry in review.board.entries if entry.geometric_mean_ratio is not None
    )
    runs = runs_view(review)
    competition, board = review.standings.competition, review.board
    by_score = not (
        len(competition.scored_workloads) == 1
        and competition.rules.tuning.stands_alone(board.ruleset)
    )
    return ReviewView(
        board=board_view(competition, board),
        runs=runs,
        failures=tuple(failures(runs)),
        problems=first_problems(review.problems, "listed by mlgolf score --json"),
        diagnostics=(*filter(None, [runs.reference, runs.record]), *_diagnostics(review)),
        bounds=(*ratios, *map(bounds_in_words, review.bounds)),
        target_levels=tuple(_target_levels(review)) if by_score else (),
        interpretations=tuple(map(_interpretation, review.sensitivity)) if by_score else (),
        since=tuple(since_in_words(review.since)) if review.since else (),
    )


def board_view(competition: Competition, board: Leaderboard) -> BoardView:
    tuning = competition.rules.tuning.under(board.ruleset)
    misses = {
        place: _miss(place[0], miss, competition) for place, miss in board.near_misses.items()
    }
    interval = any(entry.interval for entry in board.entries)
    scored = [competition.workloads[name] for name in competition.scored_workloads]
    heads = fact_heads(competition, board) if len(scored) == 1 else ()
    units = {name: row.unit(board.quantity) for name, row in competition.workloads.items()}
    tested = board.tests_differences
    rows = [
        _row(entry, board.quantity, units, misses, interval, heads, tested=tested)
        for entry in board.entries
    ]
    return BoardView(
        title=" · ".join([competition.with_round(competition.title), *board.labels.titles]),
        short_title=" · ".join([
            competition.with_round(board.competition), f"{board.ruleset} tuning",
            board.framework_in_words, *board.labels.titles,
        ]),
        question=question(competition.rules, scored, budget_factor=tuning.budget_factor),
        facts=(
            number_of(len(board.entries), "submission"),
            number_of(len(scored), "workload"),
            board.framework_in_words,
            f"{board.ruleset} tuning, by the rules {_how_many(tuning, by_value=bool(heads))}",
            f"hardware class {competition.rules.hardware}",
        ),
        workloads=tuple(competition.scored_workloads),
        value_is=noun_on(board.quantity, scored[0]) if heads else "",
        fact_heads=heads,
        tested=tested,
        bounds_are="95% interval" if interval else "range of studies",
        rows=tuple(rows),
        misses=tuple(
            misses[entry.submission, name]
            for entry in board.entries for name in entry.cells
            if (entry.submission, name) in misses
        ),
        short_words=tuple(_short_words(rows)),
        explained=tuple(_explained(competition, board)),
        notes=board.notes,
        notice=board.notice,
        tombstones=tuple(map(_tombstone, board.tombstones)),
        rulings=tuple(map(_ruling, (
            r for r in board.rulings if r not in [stone.ruling for stone in board.tombstones]
        ))),
    )


def _tombstone(stone: Tombstone) -> TombstoneView:
    ruling, subject = stone.ruling, stone.ruling.subject
    run = f"run {subject.run}" if subject.run else ""
    return TombstoneView(
        submission=stone.submission, date=ruling.date.isoformat(), rule=ruling.rule,
        what=", ".join(filter(None, [run, subject.trial])) or "all of it", reason=ruling.reason,
        ruling=f"{ruling.id} ({ruling.test})" if ruling.test else ruling.id,
    )


def _ruling(ruling: JuryRuling) -> str:
    """A sentence without its full stop."""
    return (
        f"ruling {ruling.id} of {ruling.date}: {ruling.decision}, {ruling.subject}, by "
        f"{ruling.rule}: {ruling.reason.removesuffix('.')}"
    )


def _how_many(tuning: ExternalTuning | SelfTuning, *, by_value: bool) -> str:
    if by_value and tuning.trials == 1:
        return f"{number_of(tuning.studies, 'run')} each"
    return f"{number_of(tuning.studies, 'study')} of {number_of(tuning.trials, 'trial')}"


def fact_heads(competition: Competition, board: Leaderboard) -> tuple[str, ...]:
    """What is said of a value on the one scored workload."""
    (name,) = competition.scored_workloads
    alone = competition.rules.tuning.stands_alone(board.ruleset)
    known = [RANGE_OF_RUNS, QUALIFIED] if alone else [RANGE_OF_STUDIES, REACHED]
    return (known[0], *([TO_PAR] if competition.workloads[name].par else []), known[1])


def _facts(cell: Cell, measured: str, unit: str, heads: Sequence[str]) -> tuple[str, ...]:
    """As the heads say; a dash where there is nothing."""
    low, high = (
        ("–", "–") if cell.range_of_values is None
        else (valued(measured, value, unit) for value in cell.range_of_values)
    )
    said = {
        TO_PAR: "–" if cell.to_par is None else f"{100 * (cell.to_par - 1):+.2f}%",
        **dict.fromkeys((RANGE_OF_RUNS, RANGE_OF_STUDIES), low if low == high else f"{low}–{high}"),
        **dict.fromkeys((QUALIFIED, REACHED), f"{cell.reached}/{cell.studies}"),
    }
    return tuple(said[head] for head in heads)


def _row(
    entry: Entry, measured: str, units: Mapping[str, str],
    misses: dict[tuple[str, str], MissView], interval: bool, heads: Sequence[str], *, tested: bool,
) -> RowView:
    valueless = all(cell.outcome not in VALUED for cell in entry.cells.values())
    return RowView(
        rank="–" if heads and valueless else str(entry.rank),
        group=str(entry.rank_group) if tested else "",
        submission=entry.submission,
        score=f"{entry.score:.4f}",
        bounds=_bounds(entry, interval),
        cells=tuple(
            _cell(
                name, cell, measured, units[name], misses.get((entry.submission, name)), heads,
            )
            for name, cell in entry.cells.items()
        ),
        facts=next(
            (_facts(c, measured, units[name], heads) for name, c in entry.cells.items()), ()
        ),
    )


def _bounds(entry: Entry, interval: bool) -> str:
    """The interval; else the range of studies, marked if other rows have an interval."""
    bounds = entry.interval or entry.range_of_studies
    if bounds is None:
        return ""
    mark = " (range)" if interval and not entry.interval else ""
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}{mark}"


def _cell(
    workload: str, cell: Cell, measured: str, unit: str, miss: MissView | None,
    heads: Sequence[str],
) -> CellView:
    failed = cell.outcome not in VALUED
    value = valued(measured, cell.value, unit, DIGITS if heads else 3)
    ratio = f"×{cell.ratio:.2f}" if math.isfinite(cell.ratio) else ""
    details = _how_near(miss, workload) if failed else _of_the_value(cell, measured, heads)
    return CellView(
        workload=workload,
        value=OUTCOMES[cell.outcome] if failed else value,
        ratio=ratio,
        details=tuple(details),
        short=ratio or SHORT.get(cell.outcome, ""),
        failed=failed,
        best=cell.ratio == 1,
    )


def _of_the_value(cell: Cell, measured: str, heads: Sequence[str]) -> list[str]:
    """Its time if that is another quantity, how far from par, and whether it is too slow.

    Args: heads: of facts that stand beside it, and are not repeated.
    """
    time = [f"at {with_unit(cell.seconds, 's')}"] if measured != "time" else []
    par = [] if heads or cell.to_par is None else [f"{cell.to_par:.3g} × par"]
    if cell.outcome is Outcome.SCORED:
        return [*time, *par]
    return [*time, *par, f"×{cell.ratio:.2f} the best" if heads else OUTCOMES[cell.outcome]]


def _how_near(miss: MissView | None, workload: str) -> list[str]:
    if miss is None:
        return []
    some = miss.studies_missed < miss.studies
    in_studies = [f"in {miss.studies_missed} of {miss.studies} studies"] if some else []
    held_out = [f"in {miss.workload}"] if miss.workload != workload else []
    best = f"best {miss.quantity} {miss.best}".replace("  ", " ")
    asked = "bound" if miss.quantity else "target"
    at = f"at {miss.seconds}\N{NO-BREAK SPACE}s"
    return [*held_out, *in_studies, f"{best} {at}", f"{asked} {miss.target}"]


def _miss(submission: str, miss: NearMiss, competition: Competition) -> MissView:
    own = competition.workloads[miss.workload].metric
    return MissView(
        submission=submission, workload=miss.workload,
        quantity="" if miss.metric == own else miss.metric, best=rounded_best(miss),
        seconds=three_digits(miss.seconds), target=f"{miss.target:g}",
        studies_missed=miss.studies_missed, studies=miss.studies,
    )


def _short_words(rows: Iterable[RowView]) -> list[str]:
    used = {cell.short for row in rows for cell in row.cells}
    return [f"{short}: {words}" for short, words in SHORT_MEANING.items() if short in used]


def _explained(competition: Competition, board: Leaderboard) -> Iterator[str]:
    """A paragraph each."""
    rules = competition.rules
    by_value = len(competition.scored_workloads) == 1
    yield how_ranked(competition, board.ruleset)
    outcomes = {cell.outcome for entry in board.entries for cell in entry.cells.values()}
    if Outcome.SLOWER_THAN_4X_BEST in outcomes:
        beyond = f"over {rules.aggregation.tau_max:g} times the best"
        yield f"What is {beyond} ranks last." if by_value else f"Too slow: {beyond}. It scores 0."
    if any(outcome.name.startswith("HELD_OUT") for outcome in outcomes):
        yield (
            "Held-out workloads are variants of the others: a submission that fails on one (not "
            "reached, too slow, no data) counts as not having reached the target of the workload "
            "that it is a variant of."
        )
    for name in competition.scored_workloads:
        if par := competition.workloads[name].par:
            unit = competition.workloads[name].unit(rules.objective)
            value = valued(rules.objective, par.value, unit)
            yield f"Par of {name} is {value}: {par.provenance}."
    if price := price_in_words(rules):
        yield price
    yield from _how_sure(board, below_each=not by_value)


def _how_sure(board: Leaderboard, *, below_each: bool) -> Iterator[str]:
    """What intervals, ranges and groups mean. below_each: whether a range stands below a score."""
    interval = any(entry.interval for entry in board.entries)
    below = (
        "its 95% interval or, with too few studies for that, the range of scores of single "
        "studies." if interval
        else "the range of scores of single studies, if there are several."
    )
    if board.tests_differences:
        each = f"Below each score: {below} " if below_each else ""
        yield (
            f"{each}Group 3, for instance, means that two submissions score "
            "significantly higher (at 95%). Submissions of different groups may not differ "
            "significantly either: the figure of win probabilities shows every pair."
        )
    elif not below_each:
        return
    elif len(board.entries) > 1:
        yield f"Below each score: {below} {_sentence(TOO_FEW_STUDIES)}"
    elif any(entry.interval or entry.range_of_studies for entry in board.entries):
        yield f"Below the score: {below}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def first_problems(problems: Sequence[str], rest: str) -> tuple[str, ...]:
    """The first problems with results, and the number of others; `rest` says where they are."""
    more = len(problems) - MOST_PROBLEMS
    return (*problems[:MOST_PROBLEMS], *([f"... and {more} more problems, {rest}"] * (more > 0)))


def _diagnostics(review: Review) -> Iterator[str]:
    if review.win_probability and review.board.tests_differences:
        significant = sum(pair.significant for pair in review.win_probability)
        yield (
            f"{significant} of {number_of(len(review.win_probability), 'pair')} of submissions "
            "differ significantly (95%)"
        )
    elif review.win_probability and not review.record:
        yield TOO_FEW_STUDIES
    for removed in review.leave_one_out:
        moves = (f"{name} {a} → {b}" for name, (a, b) in removed.ranks.items())
        yield f"leave-one-out: without {removed.without}, ranks change: {', '.join(moves)}"
    if any(spent.hours for spent in review.training_time):
        total, share = total_training_time(review.training_time)
        missed = missed_in_words(review.standings.competition.rules)
        yield f"{total} of training, {share} of it in trials that {missed}"


def total_training_time(times: Sequence[TrainingTime]) -> tuple[str, str]:
    """The training time of all trials, and the share of those that did not reach the target."""
    hours = sum(spent.hours for spent in times)
    without_target = sum(spent.hours_without_target for spent in times)
    return duration(hours), f"{100 * without_target / hours if hours else 0.0:.0f}%"


def _target_levels(review: Review) -> Iterator[str]:
    for level in review.target_levels:
        order = sorted(level.scores, key=lambda name: (level.ranks[name], name))
        board = ", ".join(f"{level.ranks[name]} {name} {level.scores[name]:.4f}" for name in order)
        yield f"targets easier by {100 * level.eased:g}%: {board}"


def _interpretation(other: OtherInterpretation) -> InterpretationView:
    changes = (
        f"{name} {now:.4f} → {then:.4f}"
        + (f" (rank {other.ranks[name][0]} → {other.ranks[name][1]})"
           if name in other.ranks else "")
        for name, (now, then) in other.scores.items()
        if name in other.ranks or f"{now:.4f}" != f"{then:.4f}"
    )  # fmt: skip
    return InterpretationView(
        name=other.name, meaning=meaning(other.name), used=other.used, other=other.other,
        changes=f"unknown: {other.unknown}" if other.unknown else ", ".join(changes) or "none",
    )
