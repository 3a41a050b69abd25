"""How often to save a job that may be interrupted, and what interruptions cost.

Interruptions come at random, `mean` seconds apart on average, to whatever runs: work, saving or
restarting. Each loses what was done since the last checkpoint, and `restart` seconds.

Sources: Young (1974), doi:10.1145/361147.361115; Daly (2006), doi:10.1016/j.future.2004.11.016.
"""

import numpy as np
from scipy.special import lambertw

from mlgolf.core.arrays import FloatArray

SMALL = 1e-6  # of save / mean: the exact solution is lost to rounding, Daly's is as good


def stretch(
    interval: FloatArray, *, save: FloatArray, restart: float, mean: FloatArray
) -> FloatArray:
    """Expected wall time over useful time (Daly's equation 13); inf where nothing is ever done.

    Args: all in seconds, and all positive; interval: of work between checkpoints.
    """
    with np.errstate(over="ignore"):
        return mean * np.exp(restart / mean) * np.expm1((interval + save) / mean) / interval


def best_interval(*, save: FloatArray, mean: FloatArray) -> FloatArray:
    """The interval of least expected time: exactly, where Young's and Daly's are expansions.

    With x = interval / mean the slope vanishes where (1 - x) exp(x + save / mean) = 1, so that
    x = 1 + W(-exp(-1 - save / mean)). How long a restart takes does not matter.
    """
    exact = mean * (1 + lambertw(-np.exp(-1 - save / mean)).real)
    return np.where(save < SMALL * mean, daly(save=save, mean=mean), exact)


def young(*, save: FloatArray, mean: FloatArray) -> FloatArray:
    """The first-order approximation."""
    return np.sqrt(2 * save * mean)


def daly(*, save: FloatArray, mean: FloatArray) -> FloatArray:
    """The approximation of higher order."""
    half = save / (2 * mean)
    expanded = np.sqrt(2 * save * mean) * (1 + np.sqrt(half) / 3 + half / 9) - save
    return np.where(half < 1, expanded, mean)


def simulated_stretch(
    interval: float, *, save: float, restart: float, mean: float, intervals: int,
    rng: np.random.Generator,
) -> float:
    """The same by playing a job: wall time over useful time of so many intervals of work."""
    wall, next_hit = 0.0, rng.exponential(mean)
    for _ in range(intervals):
        while next_hit < interval + save:  # lost; then restarts, until one is not interrupted
            wall += next_hit
            next_hit = rng.exponential(mean)
            while next_hit < restart:
                wall += next_hit
                next_hit = rng.exponential(mean)
            wall += restart
            next_hit -= restart
        wall += interval + save
        next_hit -= interval + save
    return wall / (intervals * interval)
