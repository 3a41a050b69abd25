"""From a table of times to scores: performance profiles, their area, and geometric means.

Takes times to target, or any cost where smaller is better, and gives numbers in [0, 1]. Reads no
files and keeps no state, so a score can be recomputed from its log years later. What counts as
reached is decided in `objective.py`.
"""

from typing import Literal

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.rules import Aggregation

GRID_POINTS = 100


def ratios_to_best(times: FloatArray) -> FloatArray:
    """Each time divided by the fastest on its workload.

    Args:
      times: (..., submissions, workloads), seconds to target or another cost; inf where it was
        never reached.
    Returns: the same shape, at least 1; inf where never reached. A best of exactly 0 is at ratio 1
      and everything else on that workload at inf.
    Raises: ScoringError if a time is NaN or negative. A failed run is inf, not NaN.
    """
    if not (times >= 0).all():
        raise ScoringError(
            f"times to target, and other costs, are at least 0 or inf, got "
            f"{times[~(times >= 0)].tolist()}"
        )
    best = times.min(axis=-2, keepdims=True, initial=np.inf)
    ratios = np.full_like(times, np.inf)
    # Perhaps nobody solved a workload: inf / inf is NaN, so only solved cells are divided.
    with np.errstate(over="ignore"):  # past the largest float, inf is the right ratio
        np.divide(times, best, out=ratios, where=np.isfinite(times) & (best > 0))
    ratios[(times == best) & np.isfinite(times)] = 1.0
    return ratios


def performance_profile(times: FloatArray, taus: FloatArray) -> FloatArray:
    """Share of workloads each submission solves within tau times the fastest time.

    Args:
      times: (submissions, workloads), seconds to target; inf where it was never met.
      taus: (taus,), ratios to the fastest submission, each at least 1.
    Returns: (submissions, taus), in [0, 1], never falling as tau grows.
    Raises: ScoringError if a time is NaN or negative.
    Source: Dolan and Moré (2002), doi:10.1007/s101070100263.
    """
    return share_within(ratios_to_best(times), taus)


def share_within(ratios: FloatArray, taus: FloatArray) -> FloatArray:
    """The same from (..., submissions, workloads) ratios that are known already."""
    return (ratios[..., None] <= taus).mean(axis=-2)


def profile_area(
    times: FloatArray, tau_max: float, integral: Literal["exact", "grid"] = "exact"
) -> FloatArray:
    """The mean height of each submission's performance profile between 1 and tau_max.

    The profile is a step function, so its integral is exact: a workload solved at ratio r is in
    the profile from r to tau_max and adds that length. AlgoPerf's scorer applies the trapezoid
    rule to 100 points instead ("grid"), which differs in the third decimal.

    Args:
      times: (..., submissions, workloads); inf where never reached.
    Returns: (..., submissions), in [0, 1].
    Source: Dahl et al. (2023), arXiv:2306.07179, section 4; the grid: mlcommons/
      submissions_algorithms, scoring/performance_profile.py.
    """
    ratios = ratios_to_best(times)
    if integral == "grid":
        taus = np.linspace(1.0, tau_max, GRID_POINTS)
        area = np.trapezoid(share_within(ratios, taus), taus, axis=-1)
        return np.asarray(area) / (tau_max - 1)
    covered = tau_max - np.minimum(ratios, tau_max)
    return covered.mean(axis=-1) / (tau_max - 1)


def geometric_mean_ratio(times: FloatArray, tau_max: float) -> FloatArray:
    """The geometric mean over workloads of best time / own time: 1 for the fastest everywhere.

    A workload that was not reached counts as one reached at tau_max times the best, and so does a
    slower one: as in penalised averages of solver competitions (PAR-k), and in AlgoPerf's
    speed-ups, which replace inf by a penalty just above the budget. Without a cap, one failure
    would determine the mean.

    Args:
      times: (..., submissions, workloads); inf where never reached.
    Returns: (..., submissions), in [1 / tau_max, 1].
    """
    capped = np.minimum(ratios_to_best(times), tau_max)
    return np.exp(-np.log(capped).mean(axis=-1))


def score(times: FloatArray, aggregation: Aggregation) -> FloatArray:
    """Scores by the rules of a competition: (..., submissions, workloads) to (..., submissions)."""
    if aggregation.workloads == "geometric_mean_ratio":
        return geometric_mean_ratio(times, aggregation.tau_max)
    return profile_area(times, aggregation.tau_max, aggregation.interpretations.integral)
