"""How a board depends on where its targets were set: the same trials, judged by easier or harder.

Every evaluation is known, so that a target other than the published one can be asked after the
fact. Trials end soon after they met the published targets, so that harder ones were hardly tried:
a ladder tells of easier targets what happened, and of harder ones a lower bound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.runtimes import expected_running_time
from mlgolf.scoring.standings import Standings, ranks

RUNGS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05)  # by how much of themselves targets are eased


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """The board with all targets eased by the share `eased` of themselves."""

    eased: float
    scores: Mapping[str, float]
    ranks: Mapping[str, int]
    # Expected running times, by workload; None where never reached. Held-out ones too.
    expected_seconds: Mapping[str, Mapping[str, float | None]]
    seconds: Mapping[str, float | None]  # their geometric mean; None if one was never reached


def pools_by_rung(
    competition: Competition, pool_under: Callable[[Competition], Pool],
    rungs: Sequence[float] = RUNGS,
) -> dict[float, Pool]:
    """The field's trials as each rung judges them.

    Args:
      pool_under: the trials, as the rules of a competition judge them.
    Raises: ScoringError for rules that ask for no target.
    """
    if not has_targets(competition):
        raise ScoringError(
            f"{competition.name} asks nobody to reach a target, so that none can be eased"
        )
    return {eased: pool_under(with_eased_targets(competition, eased)) for eased in rungs}


def has_targets(competition: Competition) -> bool:
    return any(c.bound in ("target", "test_target") for c in competition.rules.constraints)


def ladder(competition: Competition, pools: Mapping[float, Pool]) -> list[Rung]:
    """The board on every rung. `pools` are those of `pools_by_rung`."""
    found = []
    for eased, pool in pools.items():
        standings = Standings(with_eased_targets(competition, eased), pool)
        by_workload = expected_running_time(pool)
        expected = np.exp(np.log(by_workload).mean(axis=1))
        found.append(Rung(
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
    """The competition with each target moved by a share of itself, to the easier side."""
    workloads = {
        name: numbers.model_copy(update=_eased(numbers, share))
        for name, numbers in competition.workloads.items()
    }
    return competition.model_copy(update={"workloads": workloads})


def _eased(numbers: WorkloadRules, share: float) -> dict[str, float]:
    factor = 1 + share if numbers.goal is Goal.MINIMISE else 1 - share
    moved = {"target": numbers.target * factor}
    if numbers.test_target is not None:
        moved["test_target"] = numbers.test_target * factor
    return moved
