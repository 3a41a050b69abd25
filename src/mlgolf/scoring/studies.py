"""From trials to studies to one number for each workload. Arrays in, arrays out.

All functions take any number of leading axes, so that thousands of resamples are scored at
once. NaN means no data; inf means never reached.

Source: mlcommons/algorithmic-efficiency, docs/DOCUMENTATION.md (Scoring); where the official code
differs from these words, an interpretation in `core/rules.py` says so.
"""

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.rules import Interpretations
from mlgolf.scoring.pool import Pool


def order_of_choice(pool: Pool, interpretations: Interpretations) -> IntArray:
    """Along the last axis, trials in the order in which a study would select them.

    The fastest first, or the one with the earliest evaluation; among equals the one that reached
    its value sooner (or later, if the interpretations say so), then by number. Missing trials last.
    """
    first = pool.choice if interpretations.trial == "fastest" else pool.evaluation
    later = -1.0 if interpretations.tie == "slowest" else 1.0
    # Never is later than anything.
    seconds = np.where(np.isfinite(pool.seconds), later * pool.seconds, np.inf)
    return np.lexsort((seconds, np.where(pool.played, first, np.inf), ~pool.played), axis=-1)


def chosen_trials(pool: Pool, interpretations: Interpretations) -> IntArray:
    """The selected trial of each study: (submissions, workloads, studies), indices from 0.

    Meaningless where there is no trial.
    """
    return order_of_choice(pool, interpretations)[..., 0]


def study_values(pool: Pool, values: FloatArray, chosen: IntArray) -> FloatArray:
    """`values` of the chosen trials: (submissions, workloads, studies); NaN without a trial."""
    taken = np.take_along_axis(values, chosen[..., None], axis=-1)[..., 0]
    return np.where(pool.played.any(axis=-1), taken, np.nan)


def median_study(
    objective: FloatArray, seconds: FloatArray, interpretations: Interpretations, *,
    reached_share: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """The median study by objective value, and its seconds; for an even number, means of the two.

    Args:
      objective, seconds: (..., studies); inf where never reached, NaN where a study has no trial.
      reached_share: of the studies with a trial, those that must reach it, or none of them counts.
    Returns: two arrays without the last axis; NaN where no study has one.
    """
    if interpretations.missing_studies == "never":
        absent = np.isnan(objective) & ~np.isnan(objective).all(axis=-1, keepdims=True)
        objective, seconds = np.where(absent, np.inf, objective), np.where(absent, np.inf, seconds)
    known, reached = ~np.isnan(objective), np.isfinite(objective)
    needed = reached_share * known.sum(axis=-1, keepdims=True)
    too_few = known & (reached.sum(axis=-1, keepdims=True) < needed)
    objective, seconds = np.where(too_few, np.inf, objective), np.where(too_few, np.inf, seconds)
    by_seconds = seconds.argsort(axis=-1, kind="stable")
    objective, seconds = (np.take_along_axis(a, by_seconds, axis=-1) for a in (objective, seconds))
    order = objective.argsort(axis=-1, kind="stable")  # NaN last
    count = (~np.isnan(objective)).sum(axis=-1, keepdims=True)
    middle = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    middle = np.minimum(middle, objective.shape[-1] - 1)
    at = np.take_along_axis(order, middle, axis=-1)
    low, high = np.moveaxis(np.take_along_axis(objective, at, axis=-1), -1, 0)
    return (
        # A mean would turn two equal values into another in the last bit.
        np.where(low == high, low, (low + high) / 2),
        np.take_along_axis(seconds, at, axis=-1).mean(axis=-1),
    )
