"""The sections of a report, in the order of the page. Records in, HTML out."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.status import Outcome, Status
from mlgolf.core.trial import Trial
from mlgolf.report.figures import Figure, legend
from mlgolf.report.html import Html, figure, join, section, table, tag, text
from mlgolf.report.words import OUTCOMES, how_scored, measure, question
from mlgolf.scoring.admission import counted
from mlgolf.scoring.leaderboard import Cell, Entry, Leaderboard
from mlgolf.scoring.questions import bounds_in_words
from mlgolf.scoring.readings import OtherReading
from mlgolf.scoring.review import Review
from mlgolf.scoring.since import since_in_words

MOST_PROBLEMS = 20  # shown
# Endings that need no explanation: the trial ran as the rules foresee.
AS_FORESEEN = (Status.TARGET_REACHED, Status.FINISHED, Status.OUT_OF_TIME)


def heading(competition: Competition, board: Leaderboard) -> Html:
    tuning = competition.rules.tuning.under(board.ruleset)
    facts = [
        counted(len(board.entries), "submission"),
        counted(len(competition.scored_workloads), "workload"),
        board.framework or "all frameworks",
        f"{board.ruleset} tuning, best of {counted(tuning.trials, 'trial')}, "
        f"median of {counted(tuning.studies, 'study')}",
        f"hardware class {competition.rules.hardware}",
    ]
    return tag(
        "header",
        tag("h1", text(competition.title)),
        tag("p", text(question(competition.rules)), css="question"),
        tag("p", text(" · ".join(facts)), css="facts"),
        Html('<button id="theme" hidden title="Light or dark"></button>'),
    )


def leaderboard_section(competition: Competition, board: Leaderboard) -> Html:
    workloads = competition.scored_workloads
    head = [text("Rank"), text("Submission"), text("Score"), *map(text, workloads)]
    rows = [
        [
            _rank(entry),
            tag("th", text(entry.submission)),
            _score(entry),
            *(_cell(cell, board.quantity) for cell in entry.cells.values()),
        ]
        for entry in board.entries
    ]
    interval = (
        " Below a score: its 95% interval, or the range of studies, which is none, where these "
        "are too few to say. A group is the best rank that its members may hold beyond doubt."
    )
    notes = [tag("li", text(note)) for note in board.notes]
    return section(
        "Leaderboard",
        table(head, rows, css="board") if rows else tag("p", text("No trial was sent in.")),
        tag("p", text(how_scored(competition.rules) + interval), css="aside"),
        tag("p", text(board.notice), css="aside") if board.notice else Html(""),
        tag("ul", *notes, css="notes") if notes else Html(""),
    )


def _rank(entry: Entry) -> Html:
    group = tag("small", text(f"group {entry.rank_group}"))
    return tag("td", text(entry.rank), group)


def _score(entry: Entry) -> Html:
    low_high = ""
    if bounds := entry.interval or entry.range_of_studies:
        what = "" if entry.interval else "range "
        low_high = f"{what}{bounds[0]:.2f} – {bounds[1]:.2f}"
    score = tag("span", text(f"{entry.score:.3f}"), css="score")
    return tag("td", score, tag("small", text(low_high)))


def _cell(cell: Cell, quantity: str) -> Html:
    """The value, the time it took if it is not the value itself, and the ratio to the best."""
    if cell.outcome not in (Outcome.SCORED, Outcome.SLOWER_THAN_4X_BEST):
        return tag("td", text(OUTCOMES[cell.outcome]), css="failed")
    below = [f"× {cell.ratio:.2f}"] if math.isfinite(cell.ratio) else []
    if quantity != "time":
        below.append(f"at {measure(cell.seconds, 'time')}")
    if cell.outcome is not Outcome.SCORED:
        below.append(OUTCOMES[cell.outcome])
    smalls = [tag("small", text(line)) for line in below]
    best = "best" if cell.ratio == 1 else ""
    return tag("td", text(measure(cell.value, quantity)), *smalls, css=best)


def figure_sections(board: Leaderboard, figures: Sequence[Figure], folder: str) -> list[Html]:
    """A section for each figure. `folder` is where their files lie, as the page says."""
    if not figures:
        nothing = text("There is nothing to draw: no trial counts yet.")
        return [section("Figures", tag("p", nothing))]
    saved = (
        f" All figures lie beside this page in {folder}/ as SVG, light and dark, each with its "
        "table as CSV."
    )
    return [
        section(drawn.title, _figure(drawn, number, board, saved if number == 1 else ""))
        for number, drawn in enumerate(figures, start=1)
    ]


def _figure(drawn: Figure, number: int, board: Leaderboard, more: str) -> Html:
    """With the legend where it stands best: over what is wide, beside what is narrow."""
    caption = text(drawn.caption + more)
    key = legend(board) if drawn.coloured else Html("")
    if drawn.beside:
        return figure(drawn.drawing, number, caption, above=key, css="beside")
    return join([key, figure(drawn.drawing, number, caption)])


def readings_section(review: Review) -> Html:
    """What reading the rules in another way would change."""
    if not review.board.entries:
        return Html("")
    rows = [
        [
            tag("th", text(reading.name)), text(reading.used), text(reading.other),
            tag("td", text(_changes(reading)), css="reason"),
        ]
        for reading in review.readings
    ]
    head = [text(title) for title in ("Reading", "Here", "Otherwise", "What it would change")]
    return section("Other readings of the rules", table(head, rows))


def _changes(reading: OtherReading) -> str:
    if reading.unknown:
        return reading.unknown
    changed = [
        f"{name} {now:.4f} → {then:.4f}"
        + (f", rank {reading.ranks[name][0]} → {reading.ranks[name][1]}"
           if name in reading.ranks else "")
        for name, (now, then) in reading.scores.items()
    ]  # fmt: skip
    return "; ".join(changed) or "nothing"


def further_section(review: Review) -> Html:
    """What was asked for beside the board: ratios to a baseline, bounds, an earlier field."""
    lines = [
        f"{entry.submission}: × {entry.geometric_mean_ratio:.4f} the baseline's time, the "
        "geometric mean over workloads"
        for entry in review.board.entries if entry.geometric_mean_ratio is not None
    ]
    lines += [bounds_in_words(bounds) for bounds in review.bounds]
    lines += since_in_words(review.since) if review.since else []
    if not lines:
        return Html("")
    items = [tag("li", text(line)) for line in lines]
    return section("Compared", tag("ul", *items, css="notes"))


def problems_section(review: Review) -> Html:
    """What could not be read of the results."""
    if not review.problems:
        return Html("")
    more = len(review.problems) - MOST_PROBLEMS
    items = [tag("li", text(problem)) for problem in review.problems[:MOST_PROBLEMS]]
    items += [tag("li", text(f"and {more} more, which mlgolf score --json lists"))] * (more > 0)
    return section("What could not be read", tag("ul", *items, css="notes"))


def hyperparameters_section(studies: pl.DataFrame, board: Leaderboard) -> Html:
    """Per submission and workload, the trial that won over all studies. `plots.studies_table`."""
    blocks = []
    for entry in board.entries:
        own = studies.filter(
            (pl.col("submission") == entry.submission) & pl.col("value").is_not_null()
        )
        if not own.is_empty():
            blocks += [tag("h3", text(entry.submission)), _winners(own, entry, board.quantity)]
    caption = "The best trial of all studies on each workload." if blocks else "Nobody got there."
    return section("Winning hyperparameters", tag("p", text(caption), css="aside"), *blocks)


def _winners(own: pl.DataFrame, entry: Entry, quantity: str) -> Html:
    best = []
    for workload in entry.cells:
        rows = own.filter(pl.col("workload") == workload)
        if not rows.is_empty():
            maximised = rows["goal"][0] == "maximise"
            best.append(rows.sort("value", descending=maximised).row(0, named=True))
    points = [json.loads(row["hyperparameters"]) for row in best]
    names = list(dict.fromkeys(name for point in points for name in point))
    head = ["Workload", "Study", "Trial", quantity.replace("_", " ").capitalize(), *names]
    return table(
        [text(title) for title in head],
        [
            [
                tag("th", text(row["workload"])), text(row["study"]), text(row["trial"]),
                text(measure(row["value"], quantity)), *(_setting(point, name) for name in names),
            ]
            for row, point in zip(best, points, strict=True)
        ],
    )


def _setting(point: Mapping[str, Any], name: str) -> Html:
    value = point.get(name, "–")
    return text(f"{value:.4g}" if isinstance(value, float) else value)


def endings_section(trials: Sequence[Trial]) -> Html:
    """How many trials ended in which way, and the reasons of those that ended badly."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for trial in trials:
        counts[trial.key.submission][trial.status] += 1
    used = [s for s in (*Status, None) if any(count[s] for count in counts.values())]
    head = [text("Submission"), *(text(_status(status)) for status in used)]
    rows = [
        [tag("th", text(name)), *(text(count[status] or "–") for status in used)]
        for name, count in sorted(counts.items())
    ]
    return section("How the trials ended", table(head, rows), _reasons(trials))


def _reasons(trials: Sequence[Trial]) -> Html:
    bad = [trial for trial in trials if trial.status not in AS_FORESEEN]
    if not bad:
        return tag("p", text("Every trial ran to an end that the rules foresee."), css="aside")
    groups: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for trial in sorted(bad, key=lambda trial: trial.key):
        groups[trial.key.submission, _status(trial.status), trial.reason].append(trial)
    head = ["Submission", "Ended as", "Trials", "First of them", "Reason"]
    rows = [
        [
            tag("th", text(submission)), text(status), text(len(group)),
            tag("td", text(f"{key.workload}, study {key.study}, trial {key.trial}")),
            tag("td", text(reason), css="reason"),
        ]
        for (submission, status, reason), group in groups.items()
        for key in [group[0].key]
    ]
    return table([text(title) for title in head], rows)


def _status(status: Status | None) -> str:
    return status.value.replace("_", " ").lower() if status else "no verdict yet"


def machine_section(trials: Sequence[Trial]) -> Html:
    """Machine, clock, sandbox and versions as the trials' headers have them."""
    rows = []
    for part in ("machine", "clock", "sandbox", "versions"):
        found: dict[str, Counter] = defaultdict(Counter)
        for trial in trials:
            for name, value in _flat(trial.header.get(part)):
                found[name][str(value)] += 1
        titles = [part] + [""] * len(found)
        rows += [
            [tag("th", text(title)), text(name), tag("td", _values(values, trials), css="reason")]
            for title, (name, values) in zip(titles, sorted(found.items()), strict=False)
        ]
    missing = tag("p", text("The trials do not say what they ran on."), css="aside")
    head = [text(""), text("What"), text("As the trials recorded it")]
    return section("Machine and clock", table(head, rows) if rows else missing)


def _values(values: Counter, trials: Sequence[Trial]) -> Html:
    """The value; where trials differ, each with the number of trials it holds for."""
    if len(values) == 1 and values.total() == len(trials):
        return text(next(iter(values)))
    each = (f"{value} ({counted(count, 'trial')})" for value, count in values.most_common(8))
    return text("; ".join(each))


def _flat(part: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(part, list | tuple):
        part = ", ".join(map(str, part))
    if not isinstance(part, Mapping):
        return [] if part is None else [(prefix, part)]
    return [
        pair for key, value in part.items()
        for pair in _flat(value, f"{prefix}.{key}" if prefix else str(key))
    ]


def footer(competition: Competition, version: str) -> Html:
    words = f"Made by mlgolf {version}. Rules: {competition.name}, SHA-256 "
    return tag("footer", tag(
        "p", text(words), tag("code", text(competition.fingerprint())), css="facts"
    ))
