"""The head of a report and its leaderboard as HTML."""

from mlgolf.report.html import THEME_BUTTON, Html, section, table, tag, text
from mlgolf.report.view import BoardView, CellView, RowView


def heading(board: BoardView) -> Html:
    return tag(
        "header",
        tag("h1", text(board.title)),
        tag("p", text(board.question), css="question"),
        tag("p", text(" · ".join(board.facts)), css="facts"),
        THEME_BUTTON,
    )


def leaderboard_section(board: BoardView) -> Html:
    head = [text("Rank"), text("Submission"), *map(text, _heads(board))]
    rows = [
        [_rank(row), tag("th", text(row.submission)), *_results(row, board)] for row in board.rows
    ]
    notes = [tag("li", text(note)) for note in board.notes]
    css = "board valued" if board.fact_heads else "board"
    return section(
        "Leaderboard",
        table(head, rows, css=css) if rows else tag("p", text("There are no trials.")),
        *(tag("p", text(said), css="aside") for said in board.explained),
        tag("p", text(board.notice), css="aside") if board.notice else Html(""),
        tag("ul", *notes, css="notes") if notes else Html(""),
        *_jury(board),
    )


def _jury(board: BoardView) -> list[Html]:
    """What a jury disqualified, struck out, and its other rulings."""
    parts = []
    if board.tombstones:
        head = [*map(text, ("Submission", "What", "Date", "Rule", "Reason", "Ruling"))]
        rows = [
            [tag("th", tag("del", text(stone.submission))), text(stone.what), text(stone.date),
             tag("td", text(stone.rule), css="reason"), tag("td", text(stone.reason), css="reason"),
             text(stone.ruling)]
            for stone in board.tombstones
        ]  # fmt: skip
        parts += [tag("h3", text("Disqualified")), table(head, rows, css="board")]
    if board.rulings:
        lines = [tag("li", text(f"{said[0].upper()}{said[1:]}.")) for said in board.rulings]
        parts += [tag("h3", text("Rulings")), tag("ul", *lines, css="notes")]
    return parts


def _heads(board: BoardView) -> list[str]:
    if board.fact_heads:
        return [capitalised(head) for head in (board.value_is, *board.fact_heads)]
    return ["Score", *board.workloads]


def _results(row: RowView, board: BoardView) -> list[Html]:
    """The score and a cell for each workload; with one workload, its value and facts of it."""
    if board.fact_heads:
        return [_value(row.cells[0]), *map(text, row.facts)]
    return [_score(row), *map(_cell, row.cells)]


def _value(cell: CellView) -> Html:
    smalls = [tag("small", text(line)) for line in cell.details]
    shown = tag("span", text(cell.value), css="" if cell.failed else "score")
    return tag("td", shown, *smalls, css="failed" if cell.failed else "")


def capitalised(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _rank(row: RowView) -> Html:
    group = tag("small", text(f"group {row.group}")) if row.group else Html("")
    return tag("td", text(row.rank), group)


def _score(row: RowView) -> Html:
    return tag("td", tag("span", text(row.score), css="score"), tag("small", text(row.bounds)))


def _cell(cell: CellView) -> Html:
    ratio = [] if cell.failed or not cell.ratio else [cell.ratio]
    smalls = [tag("small", text(line)) for line in (*ratio, *cell.details)]
    css = "failed" if cell.failed else "best" if cell.best else ""
    return tag("td", text(cell.value), *smalls, css=css)
