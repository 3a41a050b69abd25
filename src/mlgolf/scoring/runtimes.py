"""Time to target with restarts: expected running times and runtime distributions.

A trial that fails takes time too. Trials are drawn at random until one reaches the target, and
their times are added up. This compares fast but unreliable submissions with slow but reliable ones.

Source: Hansen et al. (2021), COCO: a platform for comparing continuous optimizers,
doi:10.1080/10556788.2020.1808977, sections 3 (expected running time) and 5 (runtime distributions).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition
from mlgolf.scoring.pool import Pool

DRAWS = 400  # runtimes for each workload and target
SEED = 0
GRID = np.geomspace(0.01, 100, 129)


def expected_running_time(pool: Pool) -> FloatArray:
    """Seconds of all trials / the number that reached the target: (submissions, workloads).

    The mean time to target with restarts; inf where no trial reached it.
    """
    reached = np.isfinite(pool.objective)
    seconds = np.where(reached, pool.seconds, pool.spent).sum(axis=(2, 3), where=pool.played)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(reached.any(axis=(2, 3)), seconds / reached.sum(axis=(2, 3)), np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtimes:
    """The share of all workloads and target levels that are solved within a time.

    Times are divided by the budget of the workload, so that workloads can be combined.
    """

    budgets: tuple[float, ...]
    solved: Mapping[str, tuple[float, ...]]  # by submission, in [0, 1], never falling


def runtime_distribution(
    competition: Competition, pools: Iterable[Pool], *, budget_factor: float = 1.0
) -> Runtimes | None:
    """The distribution over all scored workloads and all targets.

    None where a workload has no budget in seconds to divide its times by.

    Args:
      pools: the same trials under each target level.
      budget_factor: how many times the workload's budget a trial may take.
    """
    budgets = {
        name: competition.rules.seconds_allowed(
            competition.workloads[name], budget_factor=budget_factor
        )
        for name in competition.scored_workloads
    }
    if not all(map(math.isfinite, budgets.values())):
        return None
    rng = np.random.default_rng(SEED)
    solved: dict[str, list[FloatArray]] = {}
    for pool in pools:
        for name, budget in budgets.items():
            for row, submission in enumerate(pool.submissions):
                runtimes = _drawn(pool, row, pool.workloads.index(name), rng) / budget
                within = (runtimes[:, None] <= GRID).mean(axis=0)
                solved.setdefault(submission, []).append(within)
    return Runtimes(
        budgets=tuple(GRID.tolist()),
        solved={name: tuple(np.mean(w, axis=0).tolist()) for name, w in solved.items()},
    )


def _drawn(pool: Pool, row: int, column: int, rng: np.random.Generator) -> FloatArray:
    """(draws,): seconds on the clock until a drawn trial succeeds; inf if no trial does."""
    played = pool.played[row, column]
    reached = np.isfinite(pool.objective[row, column])[played]
    if not reached.any():
        return np.full(DRAWS, np.inf)
    seconds = np.where(reached, pool.seconds[row, column][played], pool.spent[row, column][played])
    total = np.zeros(DRAWS)
    trying = np.arange(DRAWS)
    while len(trying):
        taken = rng.integers(len(seconds), size=len(trying))
        total[trying] += seconds[taken]
        trying = trying[~reached[taken]]
    return total
