"""Ranks that submissions share where their runs cannot tell them apart.

Down the board, best first: the first of those who share a rank leads them. Who follows shares its
rank unless the leader is surely better and not by a trifle, by the test of records; the first who
does not leads the next. So two who share a rank may differ from one another: each is only not told
apart from its leader.
"""

import math

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.rules import RecordRules
from mlgolf.scoring.records import exact_p, known_values, lacking, relative_gain
from mlgolf.scoring.standings import Standings


def shared_ranks(standings: Standings, ruleset: str) -> dict[str, int] | None:
    """The rank of each submission with a value, from 1; None unless each run is a result by itself.

    Ranks after a shared one are skipped, as in sports. None also where there are several scored
    workloads: scores of several are compared by `resampling.py`.
    """
    competition, pool = standings.competition, standings.pool
    scored = competition.scored_workloads
    if len(scored) != 1 or not competition.rules.tuning.stands_alone(ruleset):
        return None
    column = pool.workloads.index(scored[0])
    order: list[int] = np.argsort(standings.medians[0][:, column], kind="stable").tolist()
    medians: list[float] = standings.medians[0][:, column].tolist()
    runs, rules = standings.studies[:, column], competition.rules.record
    found: dict[str, int] = {}
    leader, rank = -1, 0
    for place, row in enumerate(order, 1):
        if not math.isfinite(medians[row]):
            break  # NaN, no run, and inf, too few that reached a value, stand last
        if leader < 0 or _is_better(
            relative_gain(medians[leader], medians[row]), runs[leader], runs[row], rules
        ):
            leader, rank = row, place
        found[pool.submissions[row]] = rank
    return found


def _is_better(gain: float, runs: FloatArray, others: FloatArray, rules: RecordRules) -> bool:
    if not gain >= rules.minimum_gain:
        return False  # whatever the test would say, which takes longer
    return not lacking(gain, exact_p(known_values(runs), known_values(others)), rules)
