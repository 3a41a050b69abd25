"""Methods that are worth so many times the compute: an architecture, an optimizer, other data.

A fit has them as levers, with draws; others are claimed, and taken as they are given.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.saved_fit import SavedFit
from mlgolf.core.errors import ScoringError

Claim = float | Sequence[float]  # times the compute, or that with the ends of its interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    name: str
    times: float  # the compute, at the same loss without it
    interval: Interval | None  # of that; none if nobody says
    source: str


def methods_of(
    fit: SavedFit, claimed: Mapping[str, Claim], confidence: float = CONFIDENCE
) -> list[Method]:
    """Levers of the fit, and what is claimed besides, or in their place.

    Raises: ScoringError for a claim that is no number above 0, or lies outside its interval.
    """
    tail = (1 - confidence) / 2
    fitted = {}
    for name in fit.levers:
        low, high = np.quantile(fit.extra_draws[name], [tail, 1 - tail])
        fitted[name] = Method(
            name=name, times=fit.extra[name], interval=(float(low), float(high)),
            source=f"the fit of {fit.source}",
        )  # fmt: skip
    given = {name: _claimed(name, claim) for name, claim in claimed.items()}
    return [*{**fitted, **given}.values()]


def _claimed(name: str, claim: Claim) -> Method:
    times, *ends = [claim] if isinstance(claim, int | float) else [*claim]
    if wrong := [value for value in (times, *ends) if not 0 < value < math.inf]:
        raise ScoringError(f"lever {name}: found {wrong[0]:g}, allowed is a number above 0")
    if not ends:
        return Method(name=name, times=times, interval=None, source="as given")
    if len(ends) != 2 or not ends[0] <= times <= ends[1]:
        found = ", ".join(f"{value:g}" for value in (times, *ends))
        raise ScoringError(
            f"lever {name}: found {found}; allowed is how many times the compute it is worth, "
            "alone or with the ends of its interval: 2.9, 2.6, 3.2"
        )
    return Method(name=name, times=times, interval=(ends[0], ends[1]), source="as given")
