"""Result records as terminal tables. All text is literal: names and messages are never markup."""

import math
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mlgolf.core.quantities import quantity
from mlgolf.core.status import Outcome
from mlgolf.core.text import printable
from mlgolf.report.words import OUTCOMES, duration, three_digits
from mlgolf.scoring.admission import counted
from mlgolf.scoring.diagnostics import bounds_in_words
from mlgolf.scoring.leaderboard import Cell, Entry, Leaderboard
from mlgolf.scoring.near_misses import rounded_best
from mlgolf.scoring.review import Review
from mlgolf.scoring.sensitivity import OtherInterpretation
from mlgolf.scoring.since import since_in_words

MOST_FULL_COLUMNS = 3
MOST_PROBLEMS = 20  # shown; the rest is counted
MOST_NEAR_MISSES = 20
WORDS = (  # heads of columns of words
    "submission", "95% interval", "range of studies", "workload", "size", "metric",
    "hyperparameter", "values", "evaluated every",
)


def plain(text: str) -> Text:
    """Text that a terminal shows as it is: no markup, no emoji codes, no control characters."""
    return Text(printable(text))


def leaderboard_tables(board: Leaderboard) -> list[Table]:
    """Rank, score, and for each workload the value of the objective and its ratio to the best.

    Many workloads have a table of their own, to fit into 80 columns. So have targets that were not
    reached.
    """
    workloads = list(board.entries[0].cells) if board.entries else []
    several = any(entry.interval for entry in board.entries)
    tested = board.tests_differences
    uncertainty = "95% interval" if several else "range of studies"
    heads = ["rank", *["group"] * tested, "submission", "score", uncertainty]
    title = " · ".join([
        board.competition, f"{board.ruleset} tuning", board.framework_in_words,
        *board.labels.titles,
    ])
    rows = [
        [
            str(entry.rank), *[str(entry.rank_group)] * tested, entry.submission,
            f"{entry.score:.4f}", _uncertainty(entry, intervals=several),
        ]
        for entry in board.entries
    ]
    if len(workloads) <= MOST_FULL_COLUMNS:
        cells = [
            [_cell_text(entry.cells[name], board.quantity) for name in workloads]
            for entry in board.entries
        ]
        whole = [a + b for a, b in zip(rows, cells, strict=True)]
        return [text_table(title, heads + workloads, whole), *_near_misses(board)]
    return [text_table(title, heads, rows), _ratios(board, workloads), *_near_misses(board)]


def _ratios(board: Leaderboard, workloads: Sequence[str]) -> Table:
    numbers = [str(number) for number in range(1, len(workloads) + 1)]
    key = ", ".join(f"{n} {name}" for n, name in zip(numbers, workloads, strict=True))
    title = "; ".join([f"ratio to the best on {key}", *_short_words(board)])
    rows = [[e.submission, *map(_ratio_text, e.cells.values())] for e in board.entries]
    return text_table(title, ["submission", *numbers], rows)


def _near_misses(board: Leaderboard) -> list[Table]:
    """Targets that were not reached: the best value, and when it was measured."""
    missed = [
        (entry.submission, board.near_misses[entry.submission, name])
        for entry in board.entries for name in entry.cells
        if (entry.submission, name) in board.near_misses
    ]
    if not missed:
        return []
    rows = [
        [
            name, miss.workload, rounded_best(miss), three_digits(miss.seconds),
            f"{miss.target:g}", f"{miss.studies_missed}/{miss.studies}",
        ]
        for name, miss in missed[:MOST_NEAR_MISSES]
    ]
    more = len(missed) - len(rows)
    title = "targets not reached" + (f", {more} more with --json" if more > 0 else "")
    heads = ["submission", "workload", "best", "at s", "target", "studies"]
    return [text_table(title, heads, rows)]


def text_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(
        title=plain(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False,
        collapse_padding=True,
    )
    for head in heads:
        justify = "left" if head in WORDS else "right"
        table.add_column(plain(head), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def _uncertainty(entry: Entry, *, intervals: bool) -> str:
    """The interval; else the range of studies, marked if the column has intervals too."""
    if entry.interval:
        return f"{entry.interval[0]:.2f}–{entry.interval[1]:.2f}"
    if entry.range_of_studies:
        low, high = entry.range_of_studies
        return f"{low:.2f}–{high:.2f}" + (" (range)" if intervals else "")
    return "–"


def review_lines(review: Review) -> list[str]:
    """Notes and diagnostics, a sentence each."""
    lines = [*review.board.notes, *problem_lines(review.problems, "all with --json")]
    if review.win_probability and review.board.tests_differences:
        significant = sum(pair.significant for pair in review.win_probability)
        lines.append(
            f"{significant} of {counted(len(review.win_probability), 'pair')} of submissions "
            "differ significantly (95%)"
        )
    elif review.win_probability:
        lines.append("there are too few studies to test which scores differ")
    for removed in review.leave_one_out:
        moves = (f"{name} {a} → {b}" for name, (a, b) in removed.ranks.items())
        lines.append(f"leave-one-out: without {removed.without}, ranks change: {', '.join(moves)}")
    hours, without_target = (
        sum(getattr(cost, name) for cost in review.costs)
        for name in ("hours", "hours_without_target")
    )
    if hours:
        lines.append(
            f"{duration(hours)} of training, {100 * without_target / hours:.0f}% of it in "
            "trials that did not reach the target"
        )
    lines += [bounds_in_words(bounds) for bounds in review.bounds]
    for level in review.target_levels:
        order = sorted(level.scores, key=lambda name: (level.ranks[name], name))
        board = ", ".join(f"{level.ranks[name]} {name} {level.scores[name]:.4f}" for name in order)
        lines.append(f"targets easier by {100 * level.eased:g}%: {board}")
    lines += _sensitivity_lines(review.sensitivity)
    lines += since_in_words(review.since) if review.since else []
    return [*lines, *([review.board.notice] if review.board.notice else [])]


def problem_lines(problems: Sequence[str], rest: str) -> list[str]:
    """The first problems with the results, and the number of others; `rest` says where they are."""
    more = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], *([f"... and {more} more problems, {rest}"] * (more > 0))]


def _sensitivity_lines(others: Sequence[OtherInterpretation]) -> list[str]:
    """A line for each interpretation of the rules that would change a score, or is not known."""
    lines = []
    for other in others:
        if other.unknown:
            lines.append(f"with --interpretation {other.name}={other.other}: {other.unknown}")
        if other.scores:
            changes = (
                f"{name} {now:.4f} → {then:.4f}"
                + (f" (rank {other.ranks[name][0]} → {other.ranks[name][1]})"
                   if name in other.ranks else "")
                for name, (now, then) in other.scores.items()
                if name in other.ranks or f"{now:.4f}" != f"{then:.4f}"
            )  # fmt: skip
            lines.append(f"with --interpretation {other.name}={other.other}: {', '.join(changes)}")
    return lines


SHORT = {
    Outcome.TARGET_NOT_REACHED: "never", Outcome.NO_DATA: "none",
    Outcome.SLOWER_THAN_4X_BEST: "slow", Outcome.HELD_OUT_NOT_REACHED: "held",
    Outcome.HELD_OUT_NO_DATA: "held", Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held",
}  # fmt: skip
MEANING = {
    "never": "target not reached", "none": "no data", "slow": "too slow to count",
    "held": "failed on the held-out workload",
}


def _short_words(board: Leaderboard) -> list[str]:
    """The meaning of each short word that the board uses."""
    used = {
        SHORT[cell.outcome] for entry in board.entries for cell in entry.cells.values()
        if cell.outcome in SHORT and not math.isfinite(cell.ratio)
    }
    return [f"{short}: {words}" for short, words in MEANING.items() if short in used]


def _cell_text(cell: Cell, name: str) -> str:
    """The value of that quantity and its ratio to the best."""
    if not math.isfinite(cell.value):
        return OUTCOMES[cell.outcome]
    unit = quantity(name).unit
    value = f"{cell.value:.4g}" if unit == "1" else f"{cell.value:.4g} {unit}"
    return f"{value} ({_ratio_text(cell)})"


def _ratio_text(cell: Cell) -> str:
    return f"×{cell.ratio:.2f}" if math.isfinite(cell.ratio) else SHORT.get(cell.outcome, "")
