"""Which costs count: rules about held-out workloads, and about submissions that are too slow.

A held-out workload is a variant of a scored one and has no score of its own. A submission that does
not reach its target, or is far slower there than the best, has failed on the scored workload too.

Source: the order of the official scorer, mlcommons/submissions_algorithms,
scoring/performance_profile.py (held-out workloads, the 4x rule, held-out workloads again).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.competition import Competition
from mlgolf.core.status import Outcome

OWN_FAILURES = (
    Outcome.NO_DATA, Outcome.TARGET_NOT_REACHED, Outcome.SLOWER_THAN_4X_BEST,
)  # fmt: skip
HELD_OUT_FAILURES = (
    Outcome.HELD_OUT_NO_DATA, Outcome.HELD_OUT_NOT_REACHED, Outcome.HELD_OUT_SLOWER_THAN_4X_BEST,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Which workloads are scored, which are held out, and how slow is too slow."""

    scored: tuple[int, ...]
    held_out: tuple[tuple[int, int], ...]  # (variant, the workload that it varies)
    never_beyond: float | None  # times the best

    @staticmethod
    def of(competition: Competition) -> "Gates":
        names = list(competition.workloads)
        return Gates(
            scored=tuple(names.index(name) for name in competition.scored_workloads),
            held_out=tuple(
                (names.index(name), names.index(row.held_out_of))
                for name, row in competition.workloads.items() if row.held_out_of
            ),
            never_beyond=competition.rules.aggregation.never_beyond,
        )


def costs_that_count(costs: FloatArray, gates: Gates) -> FloatArray:
    """Costs that enter the score.

    Args:
      costs: (..., submissions, workloads), at least 0; inf where never reached, NaN without data.
    Returns: (..., submissions, scored workloads); inf for whatever does not count.
    """
    costs = _gated(costs, gates)
    costs = np.where(_too_slow(costs, gates), np.inf, costs)
    for variant, base in gates.held_out:
        failed = ~np.isfinite(costs[..., variant])
        costs[..., base] = np.where(failed, np.inf, costs[..., base])
    counted = costs[..., list(gates.scored)]
    return np.where(np.isnan(counted), np.inf, counted)


def outcomes(costs: FloatArray, gates: Gates) -> list[list[Outcome]]:
    """For each submission and scored workload, whether its cost counts, or why not.

    Args:
      costs: (submissions, workloads), as above.
    """
    costs = _gated(costs, gates)
    slow = _too_slow(costs, gates)
    return [
        [_outcome(own, own_slow, column, gates) for column in gates.scored]
        for own, own_slow in zip(costs.tolist(), slow.tolist(), strict=True)
    ]


def missed_workload(
    costs: FloatArray, gates: Gates, column: int, outcome: Outcome
) -> int | None:
    """The workload whose target was not reached, the scored one or a variant; None if neither.

    Args:
      costs: (workloads,) of one submission.
      column: of the scored workload, whose outcome is given.
    """
    if outcome is Outcome.TARGET_NOT_REACHED:
        return column
    if outcome is not Outcome.HELD_OUT_NOT_REACHED:
        return None
    return next(
        variant for variant, base in gates.held_out if base == column and np.isinf(costs[variant])
    )


def _gated(costs: FloatArray, gates: Gates) -> FloatArray:
    """Held-out workloads count only for submissions that reached the scored workload."""
    costs = np.array(costs, dtype=float)
    for variant, base in gates.held_out:
        reached = np.isfinite(costs[..., base])
        costs[..., variant] = np.where(reached, costs[..., variant], np.inf)
    return costs


def _too_slow(costs: FloatArray, gates: Gates) -> BoolArray:
    if gates.never_beyond is None:
        return np.zeros(costs.shape, dtype=bool)
    best = np.where(np.isnan(costs), np.inf, costs).min(axis=-2, keepdims=True, initial=np.inf)
    return np.isfinite(costs) & (costs > gates.never_beyond * best)


def _outcome(
    costs: Sequence[float], slow: Sequence[bool], column: int, gates: Gates
) -> Outcome:
    own = _failure(costs[column], slow[column], OWN_FAILURES)
    of_variants = (
        _failure(costs[variant], slow[variant], HELD_OUT_FAILURES)
        for variant, base in gates.held_out if base == column
    )
    return next(filter(None, (own, *of_variants)), Outcome.SCORED)


def _failure(cost: float, slow: bool, words: tuple[Outcome, Outcome, Outcome]) -> Outcome | None:
    no_data, never, too_slow = words
    if math.isnan(cost):
        return no_data
    if math.isinf(cost):
        return never
    return too_slow if slow else None
