"""From trials to studies to one number for each workload. Arrays in, arrays out.

All functions take any number of leading axes, so that thousands of resampled fields are scored at
once. NaN means no data, which is something else than inf, never reached.

Source: mlcommons/algorithmic-efficiency, docs/DOCUMENTATION.md (Scoring); where the official code
differs from these words, a reading of `core/rules.py` says so.
"""

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.rules import Readings
from mlgolf.scoring.pool import Pool


def order_of_choice(pool: Pool, readings: Readings) -> IntArray:
    """Along the last axis, trials in the order in which they would stand for their study.

    The fastest first, or the one with the earliest evaluation; of equals the one that was reached
    sooner (or later, if the readings say so), then by number. What is no trial comes last.
    """
    first = pool.choice if readings.trial == "fastest" else pool.evaluation
    later = -1.0 if readings.tie == "slowest" else 1.0
    # Never is later than anything.
    seconds = np.where(np.isfinite(pool.seconds), later * pool.seconds, np.inf)
    return np.lexsort((seconds, np.where(pool.played, first, np.inf), ~pool.played), axis=-1)


def chosen_trials(pool: Pool, readings: Readings) -> IntArray:
    """Which trial stands for each study: (submissions, workloads, studies), indices from 0.

    Meaningless where there is no trial.
    """
    return order_of_choice(pool, readings)[..., 0]


def study_values(pool: Pool, values: FloatArray, chosen: IntArray) -> FloatArray:
    """`values` of the chosen trials: (submissions, workloads, studies); NaN without a trial."""
    taken = np.take_along_axis(values, chosen[..., None], axis=-1)[..., 0]
    return np.where(pool.played.any(axis=-1), taken, np.nan)


def median_study(
    worth: FloatArray, seconds: FloatArray, readings: Readings
) -> tuple[FloatArray, FloatArray]:
    """The middle study by its worth, and its seconds; of an even number, means of the two.

    Args:
      worth, seconds: (..., studies); inf where never reached, NaN where a study has no trial.
    Returns: two arrays without the last axis; NaN where no study has one.
    """
    if readings.missing_studies == "never":
        absent = np.isnan(worth) & ~np.isnan(worth).all(axis=-1, keepdims=True)
        worth, seconds = np.where(absent, np.inf, worth), np.where(absent, np.inf, seconds)
    by_seconds = seconds.argsort(axis=-1, kind="stable")
    worth, seconds = (np.take_along_axis(a, by_seconds, axis=-1) for a in (worth, seconds))
    order = worth.argsort(axis=-1, kind="stable")  # NaN last
    count = (~np.isnan(worth)).sum(axis=-1, keepdims=True)
    middle = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    middle = np.minimum(middle, worth.shape[-1] - 1)
    at = np.take_along_axis(order, middle, axis=-1)
    low, high = np.moveaxis(np.take_along_axis(worth, at, axis=-1), -1, 0)
    return (
        # A mean would turn two equal values into another in the last bit.
        np.where(low == high, low, (low + high) / 2),
        np.take_along_axis(seconds, at, axis=-1).mean(axis=-1),
    )
