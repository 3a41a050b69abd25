"""Result records as terminal tables."""

import math
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mlgolf.core.status import Outcome
from mlgolf.scoring.leaderboard import Cell, Entry, Leaderboard
from mlgolf.scoring.questions import bounds_in_words
from mlgolf.scoring.readings import OtherReading
from mlgolf.scoring.review import Review
from mlgolf.scoring.since import since_in_words

MOST_FULL_COLUMNS = 3
MOST_PROBLEMS = 20  # shown; the rest is counted


def leaderboard_tables(board: Leaderboard) -> list[Table]:
    """Rank, score, and for each workload the objective's value and its ratio to the best.

    Where there are many workloads they have a table of their own, to fit into 80 columns.
    """
    workloads = list(board.entries[0].cells) if board.entries else []
    several = any(entry.interval for entry in board.entries)
    heads = ["rank", "group", "submission", "score", "95%" if several else "range of studies"]
    frameworks = board.framework or "all frameworks"
    title = f"{board.competition} · {board.ruleset} tuning · {frameworks}"
    rows = [
        [
            str(entry.rank), str(entry.rank_group), entry.submission, f"{entry.score:.4f}",
            _doubt(entry),
        ]
        for entry in board.entries
    ]
    if len(workloads) <= MOST_FULL_COLUMNS:
        cells = [[_cell_text(e.cells[name]) for name in workloads] for e in board.entries]
        return [_table(title, heads + workloads, [a + b for a, b in zip(rows, cells, strict=True)])]
    numbers = [str(number) for number in range(1, len(workloads) + 1)]
    ratios = [[e.submission, *map(_ratio_text, e.cells.values())] for e in board.entries]
    key = ", ".join(f"{n} {name}" for n, name in zip(numbers, workloads, strict=True))
    return [
        _table(title, heads, rows),
        _table(f"times the best on {key}", ["submission", *numbers], ratios),
    ]


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for head in heads:
        words = head in ("submission", "95%", "range of studies")
        table.add_column(head, justify="left" if words else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _doubt(entry: Entry) -> str:
    if entry.interval:
        return f"{entry.interval[0]:.2f}–{entry.interval[1]:.2f}"
    if entry.range_of_studies:
        return f"{entry.range_of_studies[0]:.2f}–{entry.range_of_studies[1]:.2f} (range)"
    return "–"


def review_lines(review: Review) -> list[str]:
    """What the table does not show, in sentences."""
    lines = [*review.board.notes, *problem_lines(review.problems, "all with --json")]
    if review.pairs:
        decided = sum(pair.decided for pair in review.pairs)
        lines.append(f"{decided} of {len(review.pairs)} pairs are decided at 95%")
    for absence in review.absences:
        moves = (f"{name} {a} → {b}" for name, (a, b) in absence.ranks.items())
        lines.append(f"without {absence.without} the ranks would be: {', '.join(moves)}")
    hours, in_vain = (
        sum(getattr(cost, name) for cost in review.costs) for name in ("hours", "hours_in_vain")
    )
    if hours:
        lines.append(
            f"{hours:.4g} hours on the clock, {100 * in_vain / hours:.0f}% of them on trials that "
            "never got there"
        )
    lines += [bounds_in_words(bounds) for bounds in review.bounds]
    for rung in review.ladder:
        order = sorted(rung.scores, key=lambda name: (rung.ranks[name], name))
        board = ", ".join(f"{rung.ranks[name]} {name} {rung.scores[name]:.4f}" for name in order)
        lines.append(f"targets eased by {100 * rung.eased:g}%: {board}")
    lines += _reading_lines(review.readings)
    lines += since_in_words(review.since) if review.since else []
    return [*lines, *([review.board.notice] if review.board.notice else [])]


def problem_lines(problems: Sequence[str], rest: str) -> list[str]:
    """The first problems with the results, and how many more there are; `rest` says where."""
    more = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], *([f"... and {more} more problems, {rest}"] * (more > 0))]


def _reading_lines(others: Sequence[OtherReading]) -> list[str]:
    """A line for each reading of the rules that would change a score, or that cannot be told."""
    lines = []
    for other in others:
        if other.unknown:
            lines.append(f"with --reading {other.name}={other.other}: {other.unknown}")
        if other.scores:
            changes = (
                f"{name} {now:.4f} → {then:.4f}"
                + (f" (rank {other.ranks[name][0]} → {other.ranks[name][1]})"
                   if name in other.ranks else "")
                for name, (now, then) in other.scores.items()
            )  # fmt: skip
            lines.append(f"with --reading {other.name}={other.other}: {', '.join(changes)}")
    return lines


SHORT = {
    Outcome.TARGET_NOT_REACHED: "never", Outcome.NO_DATA: "none",
    Outcome.SLOWER_THAN_4X_BEST: "slow", Outcome.HELD_OUT_NOT_REACHED: "held",
    Outcome.HELD_OUT_NO_DATA: "held", Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held",
}  # fmt: skip


def _cell_text(cell: Cell) -> str:
    """The value and its ratio to the best."""
    if not math.isfinite(cell.value):
        return cell.outcome.replace("_", " ")
    return f"{cell.value:.4g} ({_ratio_text(cell)})"


def _ratio_text(cell: Cell) -> str:
    return f"×{cell.ratio:.2f}" if math.isfinite(cell.ratio) else SHORT.get(cell.outcome, "")
