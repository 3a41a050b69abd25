"""Boards as terminal tables. All text is literal: names and messages are never markup."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mlgolf.core.text import printable
from mlgolf.report.view import BoardView, CellView, ReviewView

MOST_FULL_COLUMNS = 3
MOST_NEAR_MISSES = 20
WORDS = (  # heads of columns of words
    "submission", "95% interval", "range of studies", "workload", "size", "metric",
    "hyperparameter", "values", "evaluated every",
)


def plain(text: str) -> Text:
    """Text that a terminal shows as it is: no markup, no emoji codes, no control characters."""
    return Text(printable(text))


def leaderboard_tables(board: BoardView) -> list[Table]:
    """Rank, score, and for each workload the value of the objective and its ratio to the best.

    Many workloads have a table of their own, to fit into 80 columns. So have targets that were not
    reached.
    """
    heads = ["rank", *["group"] * board.tested, "submission", "score", board.bounds_are]
    rows = [
        [row.rank, *[row.group] * board.tested, row.submission, row.score, row.bounds or "–"]
        for row in board.rows
    ]
    if not rows:
        return [text_table(board.short_title, heads, rows)]
    if len(board.workloads) <= MOST_FULL_COLUMNS:
        cells = [[_cell_text(cell) for cell in row.cells] for row in board.rows]
        whole = [a + b for a, b in zip(rows, cells, strict=True)]
        tables = [text_table(board.short_title, [*heads, *board.workloads], whole)]
    else:
        tables = [text_table(board.short_title, heads, rows), _ratios(board)]
    return [*tables, *_near_misses(board)]


def _cell_text(cell: CellView) -> str:
    """The value and, in brackets, its ratio and details; a near miss has a table of its own."""
    if cell.failed:
        return cell.value
    more = ", ".join([*([cell.ratio] if cell.ratio else []), *cell.details])
    whole = f"{cell.value} ({more})" if more else cell.value
    return whole.replace("\N{NO-BREAK SPACE}", " ")


def _ratios(board: BoardView) -> Table:
    numbers = [str(number) for number in range(1, len(board.workloads) + 1)]
    key = ", ".join(f"{n} {name}" for n, name in zip(numbers, board.workloads, strict=True))
    title = "; ".join([f"ratio to the best on {key}", *board.short_words])
    rows = [[row.submission, *(cell.short for cell in row.cells)] for row in board.rows]
    return text_table(title, ["submission", *numbers], rows)


def _near_misses(board: BoardView) -> list[Table]:
    """Targets that were not reached: the best value, and when it was measured."""
    if not board.misses:
        return []
    rows = [
        [
            miss.submission, miss.workload, miss.best, miss.seconds, miss.target,
            f"{miss.studies_missed}/{miss.studies}",
        ]
        for miss in board.misses[:MOST_NEAR_MISSES]
    ]
    more = len(board.misses) - len(rows)
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


def review_lines(review: ReviewView) -> list[str]:
    """Notes and diagnostics, a sentence each."""
    notice = review.board.notice
    return [*review.board.notes, *diagnostic_lines(review), *([notice] if notice else [])]


def diagnostic_lines(review: ReviewView) -> list[str]:
    """What there is to say besides the board; of interpretations, those that change a score."""
    changing = [other for other in review.interpretations if other.changes != "none"]
    return [
        *review.problems, *review.diagnostics, *review.bounds, *review.target_levels,
        *(f"with --interpretation {o.name}={o.other}: {o.changes}" for o in changing),
        *review.since,
    ]
