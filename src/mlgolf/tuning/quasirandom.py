"""Quasi-random points: spread more evenly than chance, and the same for everybody with the seed.

The sequence is Sobol's, scrambled. Studies are short (five trials, seven hyperparameters), and
there it spreads best: among its first 4 points every single hyperparameter already takes one value
from each quarter of its range, among the first 8 one from each eighth, however many there are.
Halton's sequence, AlgoPerf's choice, promises that only in its first few bases, and AlgoPerf
shuffles its points by an unseeded generator, so no compatible order is lost. Scrambling makes each
point uniform by itself, and makes studies differ.

Sources: Sobol' (1967); Joe and Kuo (2008), doi:10.1137/070709359; Owen (1998) on scrambling.
"""

from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.tuning.space import Box, SearchSpace


def points(space: SearchSpace, count: int, seed: int, study: int = 0) -> list[dict[str, Any]]:
    """The hyperparameter points of one study, in the order of its trials.

    A Box gives `count` drawn points; an OptList its first `count` entries, fewer where it has
    fewer (see `OptList.shortfall`) and the same for every seed and study. Asking for more never
    changes the earlier ones.
    """
    if isinstance(space, Box):
        unit = unit_points(count, len(space.dimensions), seed, study)
        return [space.at(point.tolist()) for point in unit]
    return space.first(count)


def unit_points(count: int, dimensions: int, seed: int, study: int = 0) -> FloatArray:
    """The first `count` points of the sequence that belongs to (seed, study).

    Args:
      seed, study: not negative; each pair has a scrambling of its own.
    Returns: (count, dimensions), in [0, 1).
    """
    # Here and not above: this import takes a second, which playing an OptList need not spend.
    from scipy.stats import qmc

    if count == 0 or dimensions == 0:
        return np.empty((count, dimensions))
    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng([seed, study]))
    whole_net = sequence.random_base2(int(count - 1).bit_length())  # a power of two, cut below
    return whole_net[:count]
