"""Profiles: how much worse the best fit becomes as one parameter is moved and the others follow.

The interval holds the values at which twice the rise of the objective, in units of its own noise,
is below a quantile of chi-squared with one degree of freedom, as for a likelihood (the units are
those of M-estimators: mean slope of psi over mean psi squared). A profile that never rises so high
says that the runs do not identify the parameter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.scaling.form import Form
from mlgolf.analysis.scaling.minimise import minimise
from mlgolf.core.arrays import BoolArray, FloatArray, IntArray

STEPS = np.array([0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10])  # in standard errors
WIDE = 6.0  # of a logarithm: beyond a factor of 400 in one direction nobody calls it identified
BANDWIDTH = 1.5  # times the median residual, for the density of residuals near 0


@dataclass(frozen=True, eq=False)
class Profile:
    values: FloatArray  # (points,), of the parameter itself, rising
    rise: FloatArray  # (points,), at 0 in the optimum; compare with `threshold`
    threshold: float

    @property
    def interval(self) -> Interval:
        """Ends are 0 or inf where the profile stays below the threshold."""
        best = int(self.rise.argmin())
        low = _crossing(self.values[: best + 1][::-1], self.rise[: best + 1][::-1], self.threshold)
        high = _crossing(self.values[best:], self.rise[best:], self.threshold)
        return 0.0 if low is None else low, math.inf if high is None else high

    @property
    def is_open(self) -> bool:
        low, high = self.interval
        return low == 0 or math.isinf(high)


def _crossing(values: FloatArray, rise: FloatArray, threshold: float) -> float | None:
    """Where the rise first passes the threshold, by a line through its root in between."""
    above = np.flatnonzero(rise >= threshold)
    if not len(above):
        return None
    at = int(above[0])
    root, goal = np.sqrt(np.maximum(rise, 0)), math.sqrt(threshold)
    part = (goal - root[at - 1]) / (root[at] - root[at - 1])
    return float(values[at - 1] + part * (values[at] - values[at - 1]))


def profiles(
    form: Form, theta: FloatArray, draws: FloatArray, *, free: BoolArray, delta: float,
    confidence: float,
) -> dict[str, Profile]:
    """Of each free parameter. Args: draws: of the bootstrap; they say how far to go."""
    fitted = np.flatnonzero(free)
    residuals = form.predicted(theta[None])[0][0] - form.log_loss
    unit = _unit(residuals, len(fitted), delta)
    least = float(minimise(form, theta[None], free=free, delta=delta).objective[0])
    offsets = [
        sign * _steps(_standard_error(draws[:, at])) for at in fitted for sign in (-1, 1)
    ]
    sums = _sides(form, theta, np.repeat(fitted, 2), offsets, free, delta)
    found = {}
    for place, at in enumerate(fitted):
        below, above = 2 * place, 2 * place + 1
        moved = theta[at] + np.concatenate([offsets[below][::-1], [0.0], offsets[above]])
        rise = np.concatenate([sums[below][::-1], [least], sums[above]]) - least
        found[form.names[at]] = Profile(
            np.exp(moved), rise * unit, float(chi2.ppf(confidence, 1))
        )
    return found


def _steps(error: float) -> FloatArray:
    steps = error * STEPS
    return np.append(steps[steps < WIDE], WIDE)


def _standard_error(drawn: FloatArray) -> float:
    """Of the middle of the draws, as some may have run away."""
    low, high = np.quantile(drawn, [0.16, 0.84]) if len(drawn) else (0.0, 0.0)
    return float(np.clip((high - low) / 2, 1e-4, WIDE / 2))


def _sides(
    form: Form, theta: FloatArray, ats: IntArray, offsets: Sequence[FloatArray], free: BoolArray,
    delta: float,
) -> list[FloatArray]:
    """The least objective at each offset of each side, all sides at once.

    Outwards, each fit from where the last one of its side ended and from the optimum.

    Args:
      ats: (sides,), the parameter that is moved.
      offsets: of each side, (its steps,).
    """
    near = np.tile(theta, (len(ats), 1))
    movable = np.tile(free, (len(ats), 1))
    movable[np.arange(len(ats)), ats] = False
    sums: list[list[float]] = [[] for _ in ats]
    for step in range(max(map(len, offsets), default=0)):
        sides = np.array([side for side, steps in enumerate(offsets) if step < len(steps)])
        starts = np.stack([near[sides], np.tile(theta, (len(sides), 1))])
        moved = theta[ats[sides]] + [offsets[side][step] for side in sides]
        starts[:, np.arange(len(sides)), ats[sides]] = moved
        found = minimise(
            form, np.concatenate(starts), free=np.tile(movable[sides], (2, 1)), delta=delta
        )
        ended = found.objective.reshape(2, -1)
        best = ended.argmin(axis=0), np.arange(len(sides))
        near[sides] = found.theta.reshape(starts.shape)[best]
        for side, least in zip(sides, ended[best], strict=True):
            sums[side].append(float(least))
    return [np.array(of_side) for of_side in sums]


def _unit(residuals: FloatArray, fitted: int, delta: float) -> float:
    """What turns a rise of the objective into half of a chi-squared, doubled."""
    near = max(delta, BANDWIDTH * float(np.median(np.abs(residuals))))
    density = float((np.abs(residuals) <= near).mean()) / near
    noise = float((np.clip(residuals, -delta, delta) ** 2).sum()) / (len(residuals) - fitted)
    return 2 * density * delta / noise if noise > 0 else math.inf
