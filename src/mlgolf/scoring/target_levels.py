"""Scores of the same trials at easier target levels.

Every evaluation is recorded, so scores can be computed for easier targets afterwards. Trials end
soon after they reach the published targets, so scores at harder targets could only be lower bounds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.runtimes import expected_running_time
from mlgolf.scoring.standings import Standings, ranks

EASED_BY = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05)  # shares of a target's value


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLevel:
    """Scores with every target eased by the share `eased` of its value."""

    eased: float
    scores: Mapping[str, float]
    ranks: Mapping[str, int]
    # Expected running times, by workload; None where never reached. Held-out ones too.
    expected_seconds: Mapping[str, Mapping[str, float | None]]
    seconds: Mapping[str, float | None]  # their geometric mean; None if one was never reached


def pools_by_level(
    competition: Competition, pool_under: Callable[[Competition], Pool],
    levels: Sequence[float] = EASED_BY,
) -> dict[float, Pool]:
    """The trials under each target level.

    Args:
      pool_under: the trials under the rules of a competition.
    Raises: ScoringError for rules without a target.
    """
    if not has_targets(competition):
        raise ScoringError(
            f"--target-levels: the rules of {competition.name} have no target that could be eased"
        )
    return {eased: pool_under(with_eased_targets(competition, eased)) for eased in levels}


def has_targets(competition: Competition) -> bool:
    return any(constraint.is_target for constraint in competition.rules.constraints)


def target_levels(competition: Competition, pools: Mapping[float, Pool]) -> list[TargetLevel]:
    """Scores at every level. `pools` are those of `pools_by_level`."""
    found = []
    for eased, pool in pools.items():
        standings = Standings(with_eased_targets(competition, eased), pool)
        by_workload = expected_running_time(pool)
        expected = np.exp(np.log(by_workload).mean(axis=1))
        found.append(TargetLevel(
            eased=eased,
            scores=dict(zip(pool.submissions, standings.scores.tolist(), strict=True)),
            ranks=dict(zip(pool.submissions, ranks(standings.scores).tolist(), strict=True)),
            expected_seconds={
                name: dict(zip(pool.workloads, map(_known, own), strict=True))
                for name, own in zip(pool.submissions, by_workload, strict=True)
            },
            seconds=dict(zip(pool.submissions, map(_known, expected), strict=True)),
        ))  # fmt: skip
    return found


def _known(seconds: float) -> float | None:
    return float(seconds) if np.isfinite(seconds) else None


def with_eased_targets(competition: Competition, share: float) -> Competition:
    """The competition with each target eased by a share of its value."""
    rules = competition.rules
    eased = {
        str(c.bound): c.bounded.goal
        for c in (*rules.constraints, *rules.trial_chosen_by) if c.is_target
    }
    return competition.model_copy(update={"workloads": {
        name: row.with_bounds(**{
            bound: _eased(row.bounds[bound], goal or row.goal, share)
            for bound, goal in eased.items() if bound in row.bounds
        })
        for name, row in competition.workloads.items()
    }})  # fmt: skip


def _eased(bound: float, goal: Goal, share: float) -> float:
    """Up where smaller is better, else down, by a share of its size."""
    larger_in_size = (goal is Goal.MINIMISE) == (bound >= 0)
    return bound * (1 + share if larger_in_size else 1 - share)
