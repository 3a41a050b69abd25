"""The least sum of Huber losses of log-loss residuals: many fits at once.

The fits of a bootstrap, of many starts or of a profile differ in weights, start or a fixed value
alone, so they run side by side as arrays. Each takes damped Newton steps: where a residual is
beyond delta the Huber loss is linear and has no curvature, so the damping is scaled by what such
residuals weigh, and a step is taken only if it lowers the sum.

Source of the objective: Hoffmann et al. (2022), https://arxiv.org/abs/2203.15556, equation 3; it
is a sum, as a mean is so small that optimisers stop early (Besiroglu et al. 2024,
https://arxiv.org/abs/2404.10102).
"""

from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.scaling.form import Form
from mlgolf.core.arrays import BoolArray, FloatArray, IntArray

DELTA = 1e-3  # of the paper: residuals of log loss beyond it count linearly
MOST_STEPS = 1000
SIDE_BY_SIDE = 60_000  # residuals, fits times runs, whose arrays stay in a processor's cache
SMALL = 1e-13  # a step that lowers the sum by less than this share was the last
FURTHEST = 60.0  # logarithms and exponents beyond it have run away
LEAST_DAMPING, FIRST_DAMPING, MOST_DAMPING = 1e-10, 1e-2, 1e12


@dataclass(frozen=True)
class Minima:
    """One per fit."""

    theta: FloatArray  # (fits, parameters)
    objective: FloatArray  # (fits,)
    converged: BoolArray  # (fits,)


def minimise(
    form: Form, starts: FloatArray, *, weights: FloatArray | None = None,
    free: BoolArray | None = None, delta: float = DELTA,
) -> Minima:
    """Args:
      starts: (fits, parameters).
      weights: (fits, runs), of each run; all 1 unless given.
      free: (parameters,) or (fits, parameters), which ones move; all unless given.
    """
    movable = np.broadcast_to(True if free is None else free, starts.shape)
    size = max(1, SIDE_BY_SIDE // len(form.runs))
    parts = [slice(first, first + size) for first in range(0, len(starts), size)]
    found = [
        _side_by_side(
            form, starts[part], None if weights is None else weights[part], movable[part], delta
        ) for part in parts
    ]  # fmt: skip
    return Minima(
        np.concatenate([part.theta for part in found]),
        np.concatenate([part.objective for part in found]),
        np.concatenate([part.converged for part in found]),
    )


def objective(form: Form, theta: FloatArray, *, delta: float = DELTA) -> FloatArray:
    """The sum of Huber losses. Args: theta: (fits, parameters). Returns: (fits,)."""
    return _huber(form.predicted(theta)[0] - form.log_loss, delta).sum(axis=1)


def _huber(residuals: FloatArray, delta: float) -> FloatArray:
    inner = np.minimum(np.abs(residuals), delta)
    return inner * (np.abs(residuals) - inner / 2)


def _side_by_side(
    form: Form, starts: FloatArray, weights: FloatArray | None, free: BoolArray, delta: float
) -> Minima:
    """Fits that have ended are taken out of all arrays: the rest goes on without them."""
    theta = starts.astype(float)
    weight = np.ones((len(theta), len(form.runs))) if weights is None else weights
    moving = np.flatnonzero(free.any(axis=0))
    residuals, slopes = _linearised(form, theta, moving, free)
    least = (weight * _huber(residuals, delta)).sum(axis=1)
    found = Minima(theta.copy(), least.copy(), np.zeros(len(theta), dtype=bool))
    at, damping = np.arange(len(theta)), np.full(len(theta), FIRST_DAMPING)
    running = np.isfinite(least)
    for _ in range(MOST_STEPS):
        if not running.all():
            at, theta, weight, free = at[running], theta[running], weight[running], free[running]
            residuals, slopes = residuals[running], slopes[running]
            least, damping = least[running], damping[running]
        if not len(at):
            break
        step = _step(residuals, slopes, weight, damping, delta)
        tried = theta.copy()
        tried[:, moving] = np.where(
            free[:, moving], np.clip(theta[:, moving] + step, -FURTHEST, FURTHEST), theta[:, moving]
        )
        with np.errstate(over="ignore", invalid="ignore"):
            new_residuals, new_slopes = _linearised(form, tried, moving, free)
            sums = (weight * _huber(new_residuals, delta)).sum(axis=1)
        lower = sums < least  # a NaN is not
        gain = np.where(lower, least - sums, np.inf)
        is_last = (gain < SMALL * least) & (damping <= 1)
        stuck = ~lower & (damping >= MOST_DAMPING)
        theta[lower], least[lower] = tried[lower], sums[lower]
        residuals[lower], slopes[lower] = new_residuals[lower], new_slopes[lower]
        damping = np.where(lower, np.maximum(damping / 4, LEAST_DAMPING), damping * 3)
        found.theta[at], found.objective[at], found.converged[at] = theta, least, is_last | stuck
        running = ~(is_last | stuck)
    return found


def _linearised(
    form: Form, theta: FloatArray, moving: IntArray, free: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Residuals (fits, runs), and their slopes (fits, moving, runs): 0 for what does not move."""
    prediction, slopes = form.predicted(theta)
    if len(moving) < slopes.shape[1]:
        slopes = slopes[:, moving]
    slopes[~free[:, moving]] = 0
    return prediction - form.log_loss, slopes


def _step(
    residuals: FloatArray, slopes: FloatArray, weight: FloatArray, damping: FloatArray, delta: float
) -> FloatArray:
    """A damped Newton step. Args: slopes: (fits, parameters, runs). Returns: (fits, parameters)."""
    sizes = np.abs(residuals)
    gradient = slopes @ (weight * np.clip(residuals, -delta, delta))[..., None]
    curved = slopes * (weight * (sizes <= delta))[:, None, :]
    hessian = curved @ slopes.transpose(0, 2, 1)
    scale = slopes**2 @ (weight * (delta / np.maximum(sizes, delta)))[..., None]
    diagonal = damping[:, None] * scale[..., 0] + np.finfo(float).tiny
    hessian[:, np.arange(slopes.shape[1]), np.arange(slopes.shape[1])] += diagonal
    # Without curvature along some direction the damping alone bounds the step, by rounding.
    size = np.trace(hessian, axis1=1, axis2=2)[:, None, None]
    hessian += 1e-15 * size * np.eye(slopes.shape[1])
    return -np.linalg.solve(hessian, gradient)[..., 0]
