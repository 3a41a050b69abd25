"""Records: whether the best of a board is surely better than the next, and not by a trifle.

The test is the one-sided Mann-Whitney test over runs with its exact distribution, ties included.
Runs that kept no bounds are the worst of all, and equal.

Source: Mann and Whitney (1947), doi:10.1214/aoms/1177730491.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.rules import RecordRules
from mlgolf.scoring.labels import Labels
from mlgolf.scoring.standings import Standings

UNLABELLED = Labels()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTest:
    """A challenger against an incumbent, on the one scored workload."""

    challenger: str
    incumbent: str
    value: float  # median of the objective; inf or -inf where too few runs qualified
    incumbent_value: float
    gain: float  # as a share of the incumbent's median, more is better; inf over one that has none
    p: float  # exact and one-sided: so good a set of runs by chance, were the two equal
    runs: tuple[int, int]
    lacks: tuple[str, ...]  # what keeps it from being a record, in words; empty: it is one

    @property
    def is_record(self) -> bool:
        return not self.lacks

    def as_json(self) -> dict[str, Any]:
        told = {**asdict(self), "record": self.is_record}
        for name in ("value", "incumbent_value", "gain"):
            told[name] = told[name] if math.isfinite(told[name]) else None
        return told


def record_test(
    standings: Standings, ruleset: str, *, labelled: Labels = UNLABELLED
) -> RecordTest | None:
    """The best of a board against the next; None unless each run is a result on one workload.

    Args: labelled: of the board; unofficial and practice runs set no record.
    """
    competition, pool = standings.competition, standings.pool
    scored = competition.scored_workloads
    alone = competition.rules.tuning.stands_alone(ruleset)
    if len(scored) != 1 or not alone or len(pool.submissions) < 2:
        return None
    column = pool.workloads.index(scored[0])
    by_median = np.argsort(standings.medians[0][:, column], kind="stable")  # NaN, no run, last
    best, other = by_median[:2].tolist()
    medians: list[float] = standings.medians[0][:, column].tolist()
    if math.isnan(medians[other]):
        return None
    new, old = (known_values(standings.studies[row, column]) for row in (best, other))
    sign = 1.0 if standings.minimised[column] else -1.0
    gain, p = relative_gain(medians[best], medians[other]), exact_p(new, old)
    return RecordTest(
        challenger=pool.submissions[best], incumbent=pool.submissions[other],
        value=sign * medians[best], incumbent_value=sign * medians[other],
        gain=gain, p=p, runs=(len(new), len(old)),
        lacks=(
            *lacking(gain, p, competition.rules.record),
            *_too_few({pool.submissions[best]: len(new), pool.submissions[other]: len(old)},
                      competition.rules.tuning.under(ruleset).studies),
            *(["the runs are unofficial"] if labelled.unofficial else []),
            *(["the runs are practice"] if labelled.practice else []),
        ),
    )


def known_values(values: FloatArray) -> FloatArray:
    """Without the NaN of studies that are not there."""
    return values[~np.isnan(values)]


def lacking(gain: float, p: float, rules: RecordRules) -> list[str]:
    """What keeps a challenger with this gain and this p from being a record."""
    too_small = f"the gain is below {100 * rules.minimum_gain:g}%"
    too_likely = f"p is above {rules.level:g}"
    return [
        *([too_small] if not gain >= rules.minimum_gain else []),
        *([too_likely] if not p <= rules.level else []),
    ]


def _too_few(runs: Mapping[str, int], asked: int) -> list[str]:
    """Who has fewer runs than the rules ask for, by name."""
    return [f"{name} has {n} of {asked} runs" for name, n in runs.items() if n < asked]


def relative_gain(new: float, old: float) -> float:
    """By what share of the old value the new one is smaller; NaN if neither was reached.

    Args: new, old: smaller is better, so what is maximised is negated; inf where never reached.
    Returns: inf over an old value that was never reached, or that is 0 and was bettered.
    """
    if math.isinf(new):
        return math.nan if math.isinf(old) else -math.inf
    if old == 0:
        return math.copysign(math.inf, -new) if new else 0.0
    return math.inf if math.isinf(old) else (old - new) / abs(old)


def exact_p(new: Sequence[float] | FloatArray, old: Sequence[float] | FloatArray) -> float:
    """The share of all ways to call so many of the values new in which their ranks sum as low.

    Args: new, old: smaller is better; inf where never reached. At least one each, none NaN.
    Returns: in (0, 1]; small if the new values are smaller. Equal values share their mean rank.
    """
    mine: list[float] = np.asarray(new, dtype=float).tolist()
    in_order = sorted([*mine, *np.asarray(old, dtype=float).tolist()])
    # Twice each rank is whole, and equal values share one.
    doubled = [bisect_left(in_order, v) + bisect_right(in_order, v) + 1 for v in in_order]
    observed = sum(bisect_left(in_order, v) + bisect_right(in_order, v) + 1 for v in mine)
    return _share_as_low(tuple(doubled), len(mine), observed)


@lru_cache(maxsize=10_000)  # a board asks thousands of times, and of few patterns
def _share_as_low(ranks: tuple[int, ...], size: int, observed: int) -> float:
    """The share of all ways to choose `size` of the ranks in which they add up to no more."""
    # ways[k, s]: in how many ways k of the ranks so far add up to s
    ways = np.zeros((size + 1, sum(ranks) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    return float(ways[size, : observed + 1].sum() / ways[size].sum())
