"""The sections of a report below its leaderboard, in the order of the page: records to HTML."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.status import Status
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.report.figures import Figure, legend
from mlgolf.report.html import Html, figure, join, section, table, tag, text
from mlgolf.report.view import ReviewView
from mlgolf.report.words import valued
from mlgolf.scoring.leaderboard import Entry, Leaderboard

# The trial ended as the rules say, so the report gives no reason.
REGULAR = (Status.TARGET_REACHED, Status.FINISHED, Status.OUT_OF_TIME)


def figure_sections(board: Leaderboard, figures: Sequence[Figure], folder: str) -> list[Html]:
    """A section for each figure. The page names `folder`, which has their files."""
    if not figures:
        nothing = text("There are no figures, because no trial counts yet.")
        return [section("Figures", tag("p", nothing))]
    saved = (
        f"The folder {folder}/ beside this page has all figures as SVG, light and dark, and their "
        "tables as CSV."
    )
    return [
        *(
            section(
                drawn.sketch.title, _figure(drawn, number, board), drawn.sketch.below or Html("")
            )
            for number, drawn in enumerate(figures, start=1)
        ),
        tag("p", text(saved), css="facts apart"),
    ]


def _figure(drawn: Figure, number: int, board: Leaderboard) -> Html:
    """With its legend: above a wide figure, beside a narrow one."""
    caption = text(drawn.sketch.caption)
    key = legend(board) if drawn.sketch.coloured else Html("")
    if drawn.sketch.beside:
        return figure(drawn.drawing, number, caption, above=key, css="beside")
    return join([key, figure(drawn.drawing, number, caption)])


def sensitivity_section(review: ReviewView) -> Html:
    """Scores and ranks that change where ambiguous rules are interpreted differently."""
    if not (review.board.rows and review.interpretations):
        return Html("")
    rows = [
        [
            tag("td", tag("b", text(other.name)), tag("small", text(other.meaning))),
            text(other.used), text(other.other), tag("td", text(other.changes), css="reason"),
        ]
        for other in review.interpretations
    ]
    head = [text(words) for words in ("Rule", "Used here", "Alternative", "Changes")]
    about = (
        "Where the written rules are ambiguous: the interpretation used here, its alternative, and "
        "the scores and ranks that the alternative would change."
    )
    return section(
        "Sensitivity to rule interpretations", tag("p", text(about), css="aside"),
        table(head, rows),
    )


def further_section(review: ReviewView) -> Html:
    """What was asked for: ratios to a baseline, bounds for missing trials, earlier results."""
    return _list("Comparisons", [*review.bounds, *review.since])


def problems_section(review: ReviewView) -> Html:
    return _list("Problems with reading the results", review.problems)


def _list(title: str, lines: Sequence[str]) -> Html:
    """A section with a line each; nothing if there is none."""
    items = [tag("li", text(line)) for line in lines]
    return section(title, tag("ul", *items, css="notes")) if items else Html("")


def hyperparameters_section(studies: pl.DataFrame, board: Leaderboard) -> Html:
    """For each submission and workload, the best trial of all studies. `plots.studies_table`."""
    blocks = []
    for entry in board.entries:
        own = studies.filter(
            (pl.col("submission") == entry.submission) & pl.col("value").is_not_null()
        )
        if not own.is_empty():
            blocks += [tag("h3", text(entry.submission)), _best_trials(own, entry, board.quantity)]
    if studies.filter(pl.col("hyperparameters") != "{}").is_empty():
        return Html("")
    caption = (
        "The best trial over all studies on each workload; what is scored is the median study."
        if blocks else "No trial reached its target."
    )
    return section("Best hyperparameters", tag("p", text(caption), css="aside"), *blocks)


def _best_trials(own: pl.DataFrame, entry: Entry, quantity: str) -> Html:
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
                text(valued(row["quantity"], row["value"], row["unit"])),
                *(_setting(point, name) for name in names),
            ]
            for row, point in zip(best, points, strict=True)
        ],
    )


def _setting(point: Mapping[str, Any], name: str) -> Html:
    value = point.get(name, "–")
    return text(f"{value:.4g}" if isinstance(value, float) else value)


def endings_section(trials: Sequence[Trial]) -> Html:
    """The number of trials by how they ended, and the reasons of those that failed."""
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
    bad = [trial for trial in trials if trial.status not in REGULAR]
    if not bad:
        return tag("p", text("No trial failed."), css="aside")
    groups: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for trial in sorted(bad, key=lambda trial: trial.key):
        groups[trial.key.submission, _status(trial.status), trial.reason].append(trial)
    head = ["Submission", "Ended as", "Trials", "First one", "Reason"]
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
    """Machine, clock, sandbox and versions from the headers of the trials."""
    rows = []
    for part in ("machine", "clock", "sandbox", "versions"):
        found: dict[str, Counter] = defaultdict(Counter)
        for trial in trials:
            record = trial.facts if part == "machine" else trial.verdict
            for name, value in _flat(getattr(record, part, None)):
                found[name][str(value)] += 1
        titles = [part] + [""] * len(found)
        rows += [
            [tag("th", text(title)), text(name), tag("td", _values(values, trials), css="reason")]
            for title, (name, values) in zip(titles, sorted(found.items()), strict=False)
        ]
    missing = tag("p", text("The trials have no record of their machine."), css="aside")
    head = [text(""), text("What"), text("Recorded by the trials")]
    return section("Machine and clock", table(head, rows) if rows else missing)


def _values(values: Counter, trials: Sequence[Trial]) -> Html:
    """The value; where trials differ, each value with its number of trials."""
    if len(values) == 1 and values.total() == len(trials):
        return text(next(iter(values)))
    each = (f"{value} ({number_of(count, 'trial')})" for value, count in values.most_common(8))
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
