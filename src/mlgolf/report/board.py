"""The head of a report and its leaderboard: records to HTML."""

import math

from mlgolf.core.competition import Competition
from mlgolf.core.status import Outcome
from mlgolf.report.html import Html, section, table, tag, text
from mlgolf.report.words import OUTCOMES, how_scored, measure, question
from mlgolf.scoring.admission import counted
from mlgolf.scoring.leaderboard import Cell, Entry, Leaderboard
from mlgolf.scoring.near_misses import NearMiss, rounded_best


def title(competition: Competition, board: Leaderboard) -> str:
    """The competition's title with the labels of the board."""
    return " · ".join([competition.title, *board.labels.titles])


def heading(competition: Competition, board: Leaderboard) -> Html:
    tuning = competition.rules.tuning.under(board.ruleset)
    facts = [
        counted(len(board.entries), "submission"),
        counted(len(competition.scored_workloads), "workload"),
        board.framework_in_words,
        f"{board.ruleset} tuning, by the rules {counted(tuning.studies, 'study')} of "
        f"{counted(tuning.trials, 'trial')}",
        f"hardware class {competition.rules.hardware}",
    ]
    return tag(
        "header",
        tag("h1", text(title(competition, board))),
        tag("p", text(question(competition.rules)), css="question"),
        tag("p", text(" · ".join(facts)), css="facts"),
        Html('<button id="theme" hidden title="Light or dark"></button>'),
    )


def leaderboard_section(competition: Competition, board: Leaderboard) -> Html:
    workloads = competition.scored_workloads
    head = [text("Rank"), text("Submission"), text("Score"), *map(text, workloads)]
    rows = [
        [
            _rank(entry, board),
            tag("th", text(entry.submission)),
            _score(entry),
            *(
                _cell(name, cell, board.quantity, board.near_misses.get((entry.submission, name)))
                for name, cell in entry.cells.items()
            ),
        ]
        for entry in board.entries
    ]
    notes = [tag("li", text(note)) for note in board.notes]
    return section(
        "Leaderboard",
        table(head, rows, css="board") if rows else tag("p", text("There are no trials.")),
        *(tag("p", text(said), css="aside") for said in _explained(competition, board)),
        tag("p", text(board.notice), css="aside") if board.notice else Html(""),
        tag("ul", *notes, css="notes") if notes else Html(""),
    )


def _explained(competition: Competition, board: Leaderboard) -> list[str]:
    """What the cells mean, how they become a score, and how sure it is: a paragraph each."""
    rules = competition.rules
    words = [how_scored(rules)]
    outcomes = {cell.outcome for entry in board.entries for cell in entry.cells.values()}
    if Outcome.SLOWER_THAN_4X_BEST in outcomes:
        words.append(f"Too slow: over {rules.aggregation.tau_max:g} times the best. It scores 0.")
    if any(outcome.name.startswith("HELD_OUT") for outcome in outcomes):
        words.append(
            "Held-out workloads are variants of the others: a submission that fails on one (not "
            "reached, too slow, no data) counts as not having reached the target of the workload "
            "that it is a variant of."
        )
    if board.tests_differences:
        words.append(
            "Below each score: its 95% interval or, with too few studies for that, the range of "
            "scores of single studies. Group 3, for instance, means that two submissions score "
            "significantly higher (at 95%). Submissions of different groups may not differ "
            "significantly either: the figure of win probabilities shows every pair."
        )
    elif len(board.entries) > 1:
        words.append(
            "Below each score: the range of scores of single studies, if there are several. There "
            "are too few studies to test which scores differ."
        )
    return words


def _rank(entry: Entry, board: Leaderboard) -> Html:
    group = tag("small", text(f"group {entry.rank_group}"))
    return tag("td", text(entry.rank), group if board.tests_differences else Html(""))


def _score(entry: Entry) -> Html:
    low_high = ""
    if bounds := entry.interval or entry.range_of_studies:
        what = "" if entry.interval else "range "
        low_high = f"{what}{bounds[0]:.2f} – {bounds[1]:.2f}"
    score = tag("span", text(f"{entry.score:.3f}"), css="score")
    return tag("td", score, tag("small", text(low_high)))


def _cell(workload: str, cell: Cell, quantity: str, miss: NearMiss | None) -> Html:
    """The value, its time if that is another quantity, and the ratio; or how near it came."""
    if cell.outcome not in (Outcome.SCORED, Outcome.SLOWER_THAN_4X_BEST):
        near = [tag("small", text(line)) for line in _near_miss(miss, workload)]
        return tag("td", text(OUTCOMES[cell.outcome]), *near, css="failed")
    below = [f"× {cell.ratio:.2f}"] if math.isfinite(cell.ratio) else []
    if quantity != "time":
        below.append(f"at {measure(cell.seconds, 'time')}")
    if cell.outcome is not Outcome.SCORED:
        below.append(OUTCOMES[cell.outcome])
    smalls = [tag("small", text(line)) for line in below]
    best = "best" if cell.ratio == 1 else ""
    return tag("td", text(measure(cell.value, quantity)), *smalls, css=best)


def _near_miss(miss: NearMiss | None, workload: str) -> list[str]:
    if miss is None:
        return []
    some = miss.studies_missed < miss.studies
    in_studies = [f"in {miss.studies_missed} of {miss.studies} studies"] if some else []
    held_out = [f"in {miss.workload}"] if miss.workload != workload else []
    best = f"best {rounded_best(miss)} at {measure(miss.seconds, 'time')}"
    return [*held_out, *in_studies, best, f"target {miss.target:g}"]
