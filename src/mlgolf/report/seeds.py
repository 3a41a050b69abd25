"""What each run of a submission came to, seed by seed, on a board of kept results.

As `view.py`, text without markup.
"""

import math
from dataclasses import dataclass

from mlgolf.core.quantities import DIGITS
from mlgolf.report.words import three_digits, valued
from mlgolf.scoring.kept_board import KeptBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedView:
    """One run that counts."""

    seed: str
    value: str  # of the objective, with its unit; a dash where no model kept the bounds
    seconds: str  # on the clock when it was reached; a dash where it never was
    qualified: bool


def seeds_view(found: KeptBoard) -> dict[str, list[SeedView]]:
    """By submission; nothing where a run is no result by itself, or with several workloads."""
    standings, board = found.standings, found.board
    competition, pool = standings.competition, standings.pool
    scored = competition.scored_workloads
    if len(scored) != 1 or not competition.rules.tuning.stands_alone(board.ruleset):
        return {}
    column = pool.workloads.index(scored[0])
    unit = competition.workloads[scored[0]].unit(board.quantity)
    sign = 1.0 if standings.minimised[column] else -1.0
    seeds = {
        (key.submission, key.study, key.trial): seed for key, seed in found.seeds.items()
        if key.workload == scored[0]
    }
    seen: dict[str, list[SeedView]] = {}
    for row, study, trial in zip(*pool.played[:, column].nonzero(), strict=True):
        name = pool.submissions[row]
        value = sign * float(pool.objective[row, column, study, trial])
        seconds = float(pool.seconds[row, column, study, trial])
        qualified = math.isfinite(value)
        seen.setdefault(name, []).append(SeedView(
            seed=str(seeds[name, int(study), int(trial) + 1]), qualified=qualified,
            value=valued(board.quantity, value, unit, DIGITS) if qualified else "–",
            seconds=f"{three_digits(seconds)}\N{NO-BREAK SPACE}s" if qualified else "–",
        ))
    return seen
