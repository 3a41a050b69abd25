"""Result records as terminal tables."""

import math
from collections.abc import Sequence

from rich.table import Table

from mlgolf.scoring.leaderboard import Cell, Leaderboard
from mlgolf.scoring.readings import OtherReading


def leaderboard_table(board: Leaderboard) -> Table:
    """Rank, score, and for each workload the objective's value and its ratio to the best."""
    table = Table(title=f"{board.competition} · {board.ruleset} tuning · {board.framework}")
    table.add_column("rank", justify="right")
    table.add_column("submission")
    table.add_column("score", justify="right")
    table.add_column("interval", justify="right")
    workloads = list(board.entries[0].cells) if board.entries else []
    for name in workloads:
        table.add_column(name, justify="right")
    for entry in board.entries:
        interval = f"{entry.interval[0]:.3f}–{entry.interval[1]:.3f}" if entry.interval else "–"
        cells = [_cell_text(entry.cells[name]) for name in workloads]
        table.add_row(str(entry.rank), entry.submission, f"{entry.score:.4f}", interval, *cells)
    return table


def reading_notes(others: Sequence[OtherReading]) -> list[str]:
    """A line for each reading of the rules that would change a score."""
    lines = []
    for other in others:
        if other.scores:
            changes = (
                f"{name} {now:.4f} → {then:.4f}"
                + (f" (rank {other.ranks[name][0]} → {other.ranks[name][1]})"
                   if name in other.ranks else "")
                for name, (now, then) in other.scores.items()
            )  # fmt: skip
            lines.append(f"with --reading {other.name}={other.other}: {', '.join(changes)}")
    return lines


def _cell_text(cell: Cell) -> str:
    if not math.isfinite(cell.value):
        return cell.outcome.replace("_", " ")
    return f"{cell.value:.4g} (×{cell.ratio:.2f})"
