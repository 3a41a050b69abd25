"""May a new model replace the old one? Decided while requests come in, at any time.

Both answer each request, and the difference of their scores is bet upon: a gambler starts with 1
against "the new one is worse by the margin or more", another against "it is better than that". If
the claim is true, no bet makes the wealth grow on average, so it ever reaches 2/alpha with
probability alpha/2 at most, however often one looks. Bets are a mixture of fixed fractions, so
wealth depends on no tuning. Source: Waudby-Smith and Ramdas (2023), doi:10.1093/jrsssb/qkad009.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import DeploymentError

Decision = Literal["switch", "roll back", "go on"]
# Fractions of the largest bet that cannot lose all: small ones find small differences.
FRACTIONS = np.geomspace(0.005, 0.95, 16)
GRID = 201  # differences that the interval is sought among


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    decision: Decision
    at: int  # the request at which it was made; of "go on", all of them
    requests: int
    difference: float  # mean score of the new model less that of the old one
    interval: Interval  # of the difference after all requests, valid at every time
    margin: float
    wealth: float  # against "worse by the margin or more", at most so far
    wealth_against: float  # against "better than worse by the margin"
    more: int  # requests that "go on" may still need if the difference stays; 0: not known


def shadow(
    old: FloatArray, new: FloatArray, *, margin: float = 0.0, confidence: float = CONFIDENCE
) -> Shadow:
    """Args: old, new: (requests,), scores in [0, 1] in the order of the requests.

    Raises: DeploymentError for other scores, or a margin outside [0, 1).
    """
    if not 0 <= margin < 1:
        raise DeploymentError(f"margin: found {margin:g}, allowed is 0 to below 1")
    for name, scores in (("old", old), ("new", new)):
        if not len(scores) or not ((scores >= 0) & (scores <= 1)).all():
            raise DeploymentError(
                f"scores of the {name} model: found {_outside(scores)}, allowed are numbers "
                "from 0 to 1, one for each request"
            )
    gap = new - old
    better = np.exp(log_wealth(gap, -margin))
    worse = np.exp(log_wealth(-gap, margin))
    bar = 2 / (1 - confidence)
    crossed = [int(np.argmax(w >= bar)) if (w >= bar).any() else len(gap) for w in (better, worse)]
    first, at = min(crossed), min(min(crossed) + 1, len(gap))
    decision: Decision = "go on"
    if first < len(gap):
        decision = "switch" if crossed[0] == first else "roll back"
    return Shadow(
        decision=decision, at=at, requests=len(gap), difference=float(gap.mean()),
        interval=confidence_interval(gap, confidence), margin=margin,
        wealth=float(better.max()), wealth_against=float(worse.max()),
        more=_more(gap, margin, bar) if decision == "go on" else 0,
    )


def log_wealth(gap: FloatArray, least: float) -> FloatArray:
    """(requests,): log of the wealth after each, of bets that the mean is above `least`.

    Args: gap: values in [-1, 1].
    """
    gains = np.cumsum(np.log1p((gap - least)[:, None] * _bets(least)), axis=0)
    top = gains.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(gains - top).mean(axis=1, keepdims=True)))[:, 0]


def _bets(least: float) -> FloatArray:
    return FRACTIONS / (1 + least) if least > -1 else FRACTIONS


def confidence_interval(gap: FloatArray, confidence: float = CONFIDENCE) -> Interval:
    """All means that no gambler has become rich against, at any time so far."""
    bar = math.log(2 / (1 - confidence))
    means = np.linspace(-1, 1, GRID)
    refuted_below = [log_wealth(gap, mean).max() >= bar for mean in means]
    refuted_above = [log_wealth(-gap, -mean).max() >= bar for mean in means]
    # The ends are one step of the grid wider, so that the grid itself takes nothing away.
    low = means[max(0, int(np.argmin(refuted_below)) - 1)] if not all(refuted_below) else 1.0
    from_above = refuted_above[::-1]
    high = means[::-1][max(0, int(np.argmin(from_above)) - 1)] if not all(from_above) else -1.0
    return float(low), float(high)


def _more(gap: FloatArray, margin: float, bar: float) -> int:
    """Requests until one wealth reaches the bar, if each bet goes on to grow as it did; 0: none."""
    needed = []
    for values, least in ((gap, -margin), (-gap, margin)):
        rates = np.log1p((values - least)[:, None] * _bets(least)).mean(axis=0)
        if (best := float(rates.max())) > 0:
            most = math.ceil(math.log(bar * len(rates)) / best)
            needed.append(bisect_left(
                range(most), math.log(bar), key=lambda count, at=rates: _log_mean(at * count)
            ))  # fmt: skip
    return max(1, min(needed) - len(gap)) if needed else 0


def _log_mean(logs: FloatArray) -> float:
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))


def _outside(scores: FloatArray) -> str:
    bad = scores[~((scores >= 0) & (scores <= 1))]
    return f"{bad[0]:g}" if len(bad) else "none"
