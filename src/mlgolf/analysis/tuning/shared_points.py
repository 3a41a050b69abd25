"""What it costs to train all workloads with one hyperparameter point.

The **degradation** of a point on a workload says how much worse it is than the workload's own best
point:

- of times, the ratio to the best time. 1: it is the best. Over workloads: the geometric mean.
- of other results, the difference to the best one, as a share of the spread, which is the
  difference between the best and the median point. 0: it is the best; 1: it is as bad as the median
  point. Over workloads: the mean.

It is infinite where the point has no result, or never reached the target. The best of several noisy
results looks better than it is, so degradations are overestimated, all of them alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError

Scale = Literal["ratio", "share_of_spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPoint:
    """One point on all workloads. `mean` and `worst` are over the workloads that it reached."""

    point: str
    degradation: Mapping[str, float]  # workload -> see above; inf where it has no result
    reached: int  # workloads on which it has a result
    mean: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Points of one method that were run on all workloads, the best shared point first.

    The best is the one with a result on the most workloads, and of those the one with the least
    mean degradation. `best_worst` is the same with the least worst case.
    """

    scale: Scale
    points: tuple[SharedPoint, ...]
    best_worst: str
    left_out: tuple[str, ...]  # points that were not run on all workloads
    unreached: tuple[str, ...]  # workloads on which no point has a result: not counted


def degradation(costs: FloatArray, scale: Scale) -> FloatArray:
    """Of every point on every workload.

    Args: costs: (points, workloads), smaller is better; inf for no result. Times are positive.
    Returns: (points, workloads); NaN on a workload where no point has a result.
    """
    best = costs.min(axis=0)
    if scale == "ratio":
        if (costs <= 0).any():
            raise ScoringError(f"times to target are positive, got {costs[costs <= 0][0]:g}")
        return np.divide(costs, best, out=np.full_like(costs, np.nan), where=np.isfinite(best))
    found = np.full_like(costs, np.nan)
    for column, own in enumerate(costs.T):
        if np.isfinite(best[column]):
            found[:, column] = _shares(own - best[column], _spread(own))
    return found


def _spread(costs: FloatArray) -> float:
    """From the best to the median point; to the worst where most points are as good as the best."""
    finite = np.sort(costs[np.isfinite(costs)])
    return float(np.median(finite) - finite[0] or finite[-1] - finite[0])


def _shares(differences: FloatArray, spread: float) -> FloatArray:
    return differences / spread if spread else np.where(differences > 0, np.inf, 0.0)


def share_point(
    costs: FloatArray, points: Sequence[str], workloads: Sequence[str], scale: Scale
) -> Sharing | None:
    """Degradation of every point, and the best one to share.

    Args: costs: (points, workloads), smaller is better; inf: it has no result; NaN: was not run.
    Returns: None if no point was run on all workloads, or none has a result.
    """
    whole: BoolArray = np.all(~np.isnan(costs), axis=1)
    reached: BoolArray = np.any(np.isfinite(costs[whole]), axis=0)
    if not reached.any():
        return None
    # Also points that were run on some workloads may be the best there.
    against = degradation(np.where(np.isnan(costs), np.inf, costs), scale)[:, reached]
    names = [name for name, counts in zip(workloads, reached, strict=True) if counts]
    found = [
        _shared(points[row], dict(zip(names, against[row].tolist(), strict=True)), scale)
        for row in np.flatnonzero(whole).tolist()
    ]
    found.sort(key=lambda shared: (-shared.reached, shared.mean))
    by_worst = min(found, key=lambda shared: (-shared.reached, shared.worst))
    return Sharing(
        scale=scale, points=tuple(found), best_worst=by_worst.point,
        left_out=_named(points, ~whole), unreached=_named(workloads, ~reached),
    )


def _named(names: Sequence[str], chosen: BoolArray) -> tuple[str, ...]:
    return tuple(names[at] for at in np.flatnonzero(chosen).tolist())


def _shared(point: str, found: Mapping[str, float], scale: Scale) -> SharedPoint:
    values = np.array([value for value in found.values() if np.isfinite(value)])
    if not len(values):
        return SharedPoint(
            point=point, degradation=found, reached=0, mean=np.inf, worst=np.inf
        )
    mean = np.exp(np.log(values).mean()) if scale == "ratio" else values.mean()
    return SharedPoint(
        point=point, degradation=found, reached=len(values), mean=float(mean),
        worst=float(values.max()),
    )
