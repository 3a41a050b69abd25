"""How scores move from one round of a game to the next."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlgolf.core.quantities import Quantity, quantity
from mlgolf.scoring.leaderboard import Cell, Leaderboard


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedScore:
    """What one submission reached in two rounds: each the median over seeds."""

    submission: str
    before: Cell
    after: Cell

    @property
    def difference(self) -> float:
        """After minus before; not finite where a round has no score."""
        return self.after.value - self.before.value

    def as_json(self) -> dict[str, Any]:
        return {
            "submission": self.submission, "before": _score(self.before),
            "after": _score(self.after), "difference": self.difference,
        }


def moved_scores(before: Leaderboard, after: Leaderboard, workload: str) -> list[MovedScore]:
    """Of the submissions on both boards, in the order of the first."""
    now = {entry.submission: entry for entry in after.entries}
    return [
        MovedScore(
            submission=entry.submission, before=entry.cells[workload],
            after=now[entry.submission].cells[workload],
        )
        for entry in before.entries if entry.submission in now
    ]


def moved_in_words(
    scores: Sequence[MovedScore], objective: str, left_out: int, *, blind: bool
) -> Iterator[str]:
    """A sentence for each submission, then how far such a difference can be trusted.

    Args: left_out: examples. blind: whether each run draws its examples.
    """
    measured = quantity(objective)
    for score in scores:
        moved = ""
        if math.isfinite(score.difference):
            share = score.difference / score.before.value
            sign = "+" if share > 0 else ""
            moved = f": {sign}{measured.number(score.difference)} ({share:+.1%})"
        yield (
            f"{score.submission}: {objective} {_in_words(score.before, measured)} with all "
            f"examples, {_in_words(score.after, measured)} without the costliest {left_out}{moved}"
        )
    anew = ", but each draws its examples anew" if blind else ""
    yield (
        f"Both rounds were played with the same seeds{anew}. Leaving any examples out moves a "
        "score by chance, too: a difference within the ranges over seeds says little."
    )


def _score(cell: Cell) -> dict[str, Any]:
    return {
        "value": cell.value, "studies": cell.studies, "studies_reached": cell.reached,
        "range_of_values": cell.range_of_values,
    }


def _in_words(cell: Cell, measured: Quantity) -> str:
    value = measured.number(cell.value) if math.isfinite(cell.value) else "no score"
    seeds = f"{cell.reached} of {cell.studies} seeds"
    if cell.range_of_values is None:
        return f"{value} ({seeds} within the bounds)"
    low, high = map(measured.number, cell.range_of_values)
    return f"{value} ({low} to {high}, {seeds} within the bounds)"
