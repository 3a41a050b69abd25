"""Profiles: how much worse the best fit becomes as one parameter is moved and the others follow.

The interval holds the values at which twice the rise of the objective, in units of its own noise,
is below a quantile of chi-squared with one degree of freedom, as for a likelihood (the units are
those of M-estimators: mean slope of psi over mean psi squared). A profile that never rises so high
says that the runs do not identify the parameter.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.scaling.form import Form
from mlgolf.analysis.scaling.minimise import minimise
from mlgolf.core.arrays import BoolArray, FloatArray

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
    found = {}
    for at in fitted:
        name = form.names[at]
        error = _standard_error(draws[:, at])
        held = free.copy()
        held[at] = False
        sides = [
            _one_side(form, theta, int(at), sign * _steps(error), held, delta)
            for sign in (-1, 1)
        ]
        moved = np.concatenate([sides[0][0][::-1], theta[at : at + 1], sides[1][0]])
        rise = np.concatenate([sides[0][1][::-1], [least], sides[1][1]]) - least
        found[name] = Profile(np.exp(moved), rise * unit, float(chi2.ppf(confidence, 1)))
    return found


def _steps(error: float) -> FloatArray:
    steps = error * STEPS
    return np.append(steps[steps < WIDE], WIDE)


def _standard_error(drawn: FloatArray) -> float:
    """Of the middle of the draws, as some may have run away."""
    low, high = np.quantile(drawn, [0.16, 0.84]) if len(drawn) else (0.0, 0.0)
    return float(np.clip((high - low) / 2, 1e-4, WIDE / 2))


def _one_side(
    form: Form, theta: FloatArray, at: int, offsets: FloatArray, free: BoolArray, delta: float
) -> tuple[FloatArray, FloatArray]:
    """Outwards, each from where the last one ended and from the optimum."""
    near, values, sums = theta, [], []
    for offset in offsets:
        starts = np.stack([near, theta])
        starts[:, at] = theta[at] + offset
        found = minimise(form, starts, free=free, delta=delta)
        best = int(found.objective.argmin())
        near = found.theta[best]
        values.append(theta[at] + offset)
        sums.append(found.objective[best])
    return np.array(values), np.array(sums)


def _unit(residuals: FloatArray, fitted: int, delta: float) -> float:
    """What turns a rise of the objective into half of a chi-squared, doubled."""
    near = max(delta, BANDWIDTH * float(np.median(np.abs(residuals))))
    density = float((np.abs(residuals) <= near).mean()) / near
    noise = float((np.clip(residuals, -delta, delta) ** 2).sum()) / (len(residuals) - fitted)
    return 2 * density * delta / noise if noise > 0 else math.inf
