"""Boards as terminal tables. All text is literal: names and messages are never markup."""

from collections.abc import Sequence
from itertools import product

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mlgolf.core.text import printable
from mlgolf.report.view import BoardView, CellView, ReviewView

MOST_FULL_COLUMNS = 3
MOST_NEAR_MISSES = 20
MOST_RUNS = 40
MOST_FAILURES = 10
NAMES = ("run", "trial")  # heads of columns of paths that are copied: never folded, never cut
WHOLE = ("seed", "verdict", "date", *NAMES)  # heads of columns whose cells are never folded
CUT, CUT_WHERE_WIDE = 6, 16  # characters to which words beside names may be cut
UNBROKEN = ("method",)  # heads of names that are folded only where nothing else can be
LONGEST_PIECES = {"key": 44}  # of words that are folded; else as long as "submission"
WORDS = (  # heads of columns of words
    "submission", "95% interval", "range of studies", "workload", "size", "metric", "quantity",
    "hyperparameter", "values", "evaluated every", "verdict",
    "name", "objective", "division", "hardware", "method", "variant", "point", "part", "why",
    "holds it back", "run", "competition", "submissions", "workloads", "state", "trial", "status",
    "hyperparameters", "what", "value", "key", "result", "best validation", "check",
    "date", "reason", "ruling", "likely fault", "evidence", "what was seen", "layer", "operator",
    "attempt",
)


def plain(text: str) -> Text:
    """Text that a terminal shows as it is: no markup, no emoji codes, no control characters."""
    return Text(printable(text))


def print_line(console: Console, line: str, style: str = "") -> None:
    """A sentence, in lines that end between words; a path that has no room stays whole."""
    has_room = all(cell_len(word) <= console.width for word in line.split())
    console.print(
        plain(line), style=style, soft_wrap=not console.is_terminal or not has_room
    )


def print_table(
    console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]],
    spare: Sequence[str] = (),
) -> None:
    """As `text_table`, with its title in as wide a line as the terminal has."""
    print_line(console, title, style="table.title")
    console.print(text_table("", heads, rows, spare=spare), crop=False)


def leaderboard_tables(board: BoardView) -> list[Table]:
    """Rank, score, and for each workload the value of the objective and its ratio to the best.

    With one scored workload there is no score, but that value, and facts of it. Many workloads have
    a table of their own, to fit into 80 columns. So have targets that were not reached.
    """
    heads = ["rank", *["group"] * board.tested, "submission"]
    rows = [[row.rank, *[row.group] * board.tested, row.submission] for row in board.rows]
    if board.fact_heads:
        rows = [
            [*head, _value_text(row.cells[0]), *row.facts]
            for head, row in zip(rows, board.rows, strict=True)
        ]
        heads = [*heads, board.value_is, *board.fact_heads]
        return [
            text_table(board.short_title, heads, rows), *_near_misses(board), *_tombstones(board)
        ]
    heads = [*heads, "score", board.bounds_are]
    rows = [
        [*head, row.score, row.bounds or "–"] for head, row in zip(rows, board.rows, strict=True)
    ]
    if not rows:
        return [text_table(board.short_title, heads, rows), *_tombstones(board)]
    if len(board.workloads) <= MOST_FULL_COLUMNS:
        cells = [[_cell_text(cell) for cell in row.cells] for row in board.rows]
        whole = [a + b for a, b in zip(rows, cells, strict=True)]
        tables = [text_table(board.short_title, [*heads, *board.workloads], whole)]
    else:
        tables = [text_table(board.short_title, heads, rows), _ratios(board)]
    return [*tables, *_near_misses(board), *_tombstones(board)]


def _tombstones(board: BoardView) -> list[Table]:
    """What a jury disqualified, struck out."""
    if not board.tombstones:
        return []
    rows = [[s.submission, s.what, s.date, s.reason, s.ruling] for s in board.tombstones]
    heads = ["submission", "what", "date", "reason", "ruling"]
    return [text_table("disqualified", heads, rows, struck=("submission",))]


def _cell_text(cell: CellView) -> str:
    """The value and, in brackets, its ratio and details; a near miss has a table of its own."""
    return _with_details(cell, [*([cell.ratio] if cell.ratio else []), *cell.details])


def _value_text(cell: CellView) -> str:
    return _with_details(cell, cell.details)


def _with_details(cell: CellView, details: Sequence[str]) -> str:
    if cell.failed:
        return cell.value
    more = ", ".join(details)
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
    bounded = any(miss.quantity for miss in board.misses)
    rows = [
        [
            miss.submission, miss.workload, *[miss.quantity] * bounded, miss.best, miss.seconds,
            miss.target, f"{miss.studies_missed}/{miss.studies}",
        ]
        for miss in board.misses[:MOST_NEAR_MISSES]
    ]
    more = len(board.misses) - len(rows)
    title = ("bounds not kept" if bounded else "targets not reached") + _rest(more)
    asked = "bound" if bounded else "target"
    heads = ["submission", "workload", *["quantity"] * bounded, "best", "at s", asked, "studies"]
    return [text_table(title, heads, rows)]


def run_tables(review: ReviewView) -> list[Table]:
    """Every run with its verdict, its value, and how much of each bound it used."""
    found = review.runs
    if not found.runs:
        return []
    rows = [
        [
            run.submission, run.seed, run.verdict, run.value,
            *([m.share for m in run.margins] or ["–"] * len(found.bounded)), run.models,
        ]
        for run in found.runs[:MOST_RUNS]
    ]
    more = len(found.runs) - len(rows)
    bounds = f", with its share of each bound ({', '.join(found.bounds)})" if found.bounds else ""
    title = f"every run{bounds}{_rest(more)}"
    heads = ["submission", "seed", "verdict", found.value_is, *found.bounded, "models"]
    return [text_table(title, heads, rows, spare=("models", *reversed(found.bounded)))]


def _rest(more: int) -> str:
    return f", {more} more with --json" if more > 0 else ""


class _Cell:
    """A number and what is in brackets after it, on two lines where one has no room for both."""

    def __init__(self, text: str) -> None:
        self._whole, self._parts = plain(text), [*map(plain, _parts(text))]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_narrow = self._whole.cell_len > options.max_width
        yield Text("\n").join(self._parts) if is_narrow else self._whole

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._whole)


def _parts(text: str) -> list[str]:
    """ "1.5× (1.2 to 1.9×)" as what stands before the bracket, and what is in it."""
    number, bracket, rest = text.partition(" (")
    return [number, f"({rest}"] if bracket else [text]


class _Fitting(Table):
    """Folds words before numbers, and leaves out what can be spared where numbers have no room.

    Beside names words are cut, and where a name itself has no room the table is wider.
    """

    texts: Sequence[Sequence[str]] = ()  # of each column, its head first
    spare: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - self._extra_width
        spare, fitting = self.spare, self
        while spare and not _widths(fitting.texts, room):
            left = [texts for texts in fitting.texts if texts[0] != spare[0]]
            heads, *rows = zip(*left, strict=True)
            fitting = text_table(str(self.title), heads, rows, spare=spare[1:])
            spare = spare[1:]
            room = options.max_width - fitting._extra_width
        if widths := _widths(fitting.texts, room):
            for column, width in zip(fitting.columns, widths, strict=True):
                column.width = width
        elif any(texts[0] in NAMES for texts in fitting.texts):
            widths = _narrowed(fitting.texts, [_cut(texts, CUT) for texts in fitting.texts], room)
            widths = widths or [_cut(texts, CUT_WHERE_WIDE) for texts in fitting.texts]
            for column, width, texts in zip(fitting.columns, widths, fitting.texts, strict=True):
                column.width = width
                if texts[0] in WORDS and texts[0] not in NAMES:
                    column.overflow, column.no_wrap = "ellipsis", True
            width = sum(widths) + len(widths) - 1 + fitting._extra_width
            options = options.update_width(max(width, options.max_width))
        else:  # numbers that are folded are better than numbers that are cut
            for column in fitting.columns:
                column.no_wrap, column.min_width, column.width = False, None, None
        yield from Table.__rich_console__(fitting, console, options)


def text_table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, spare: Sequence[str] = (),
    struck: Sequence[str] = (),
) -> _Fitting:
    """A table of text.

    Args:
      spare: heads of columns that are left out, in this order, where there is no room.
      struck: heads of columns that are struck out.
    """
    table = _Fitting(
        title=plain(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.texts, table.spare = [*zip(heads, *rows, strict=True)], spare
    for head in heads:
        table.add_column(
            plain(head), justify="left" if head in WORDS else "right", overflow="fold",
            no_wrap=head in WHOLE, style="strike" if head in struck else None,
            min_width=len(head) if head == "submission" else None,
        )
    for row in rows:
        table.add_row(*(
            plain(cell) if head in WORDS else _Cell(cell)
            for head, cell in zip(heads, row, strict=True)
        ))
    return table


def _cut(texts: Sequence[str], least: int) -> int:
    """The width to which a column beside names may be cut; numbers are not."""
    if texts[0] in WORDS and texts[0] not in NAMES:
        return min(least, max(map(cell_len, texts)))
    return _least(texts, whole=False)


def _least(texts: Sequence[str], *, whole: bool, unbroken: bool = False) -> int:
    """The width of a column below which a number is folded, or a word into very short pieces.

    Args:
      whole: a number, or an interval in brackets, is to stay on one line; else its words.
      unbroken: so is each name of columns for which that matters most.
    """
    head, *cells = texts
    if head in WHOLE:
        return max(cell_len(printable(text)) for text in texts)
    if whole and head not in WORDS:
        parts = [part for text in cells for part in _parts(printable(text))]
        return max(map(cell_len, (*parts, *head.split(), "")))
    longest = max(cell_len(word) for text in texts for word in (*printable(text).split(), ""))
    of_head = max(map(cell_len, head.split()))
    piece = max(LONGEST_PIECES.get(head, len("submission")), of_head)
    may_break = head in WORDS and not (unbroken and head in UNBROKEN)
    return min(longest, piece) if may_break else longest


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """Of each column, its text alone. Empty: no room.

    Where not all intervals fit on one line, those of the widest columns are folded first. Names
    are, where that gives no room.
    """
    by_width = sorted(columns, key=lambda texts: _least(texts, whole=True), reverse=True)
    for unbroken, folded in product((True, False), range(len(columns) + 1)):
        least = [
            _least(texts, whole=texts not in by_width[:folded], unbroken=unbroken)
            for texts in columns
        ]
        if widths := _narrowed(columns, least, room):
            return widths
    return []


def _narrowed(
    columns: Sequence[Sequence[str]], least: Sequence[int], room: int
) -> list[int]:
    """Those give way that have most to give. Empty: not even the least widths fit."""
    widths = [max(cell_len(printable(text)) for text in texts) for texts in columns]
    room -= len(columns) - 1  # blanks between them
    while sum(widths) > room:
        most = max(range(len(widths)), key=lambda n: widths[n] - least[n])
        if widths[most] == least[most]:
            return []
        widths[most] -= 1
    return widths


def review_lines(review: ReviewView) -> list[str]:
    """Notes and diagnostics, a sentence each."""
    notice = review.board.notice
    failed = review.failures[:MOST_FAILURES]
    more = len(review.failures) - len(failed)
    uncounted = [f"{more} more runs did not qualify: see --json"] if more else []
    return [
        *failed, *uncounted, *review.board.notes, *review.board.rulings,
        *diagnostic_lines(review),
        *([notice] if notice else []),
    ]


def diagnostic_lines(review: ReviewView) -> list[str]:
    """What there is to say besides the board; of interpretations, those that change a score."""
    changing = [other for other in review.interpretations if other.changes != "none"]
    return [
        *review.problems, *review.diagnostics, *review.bounds, *review.target_levels,
        *(f"with --interpretation {o.name}={o.other}: {o.changes}" for o in changing),
        *review.since,
    ]
