"""Quality against log time: means of seeds, made monotone, interpolated, never beyond the ends.

A longer budget is taken to give no worse a result. Where means say otherwise, neighbours are
pooled (isotonic regression, weights = runs), and `pooled` says how far that moved them.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator, make_interp_spline
from scipy.optimize import isotonic_regression

from mlgolf.analysis.curves.measurements import Point
from mlgolf.core.arrays import FloatArray
from mlgolf.core.target import Goal

Interpolation = Literal["pchip", "log-linear"]  # both in log time
CELLS = 64  # of the grid between two neighbouring budgets
NUDGE = 1e-4  # of the range of values: by which a node is moved to see what depends on it


class MonotoneCurve:
    """The curve through the points of one method. Values are quality times the goal's sign.

    So a larger value is better whatever the goal. Source of the interpolation: Fritsch and Carlson
    (1980), doi:10.1137/0717021, which invents no optimum between two points.
    """

    def __init__(
        self, points: Sequence[Point], goal: Goal, interpolation: Interpolation = "pchip"
    ) -> None:
        """Args: points: two at least, from short to long, no two of the same time."""
        self.log_times = np.array([point.log_time for point in points])
        self.runs = np.array([point.runs for point in points], dtype=float)
        self.relative_noise = np.array([point.relative_noise for point in points])
        self.interpolation: Interpolation = interpolation
        self.sign = -goal.sign  # of values, to quality
        self.means = self.sign * np.array([point.quality for point in points])
        self.values = self._pooled(self.means)

    @property
    def moved(self) -> float:
        """The largest distance by which pooling moved a mean."""
        return float(np.abs(self.values - self.means).max())

    @cached_property
    def grid(self) -> FloatArray:
        """(cells + 1,) log times, with the budgets themselves among them."""
        steps = np.arange(CELLS) / CELLS
        parts = self.log_times[:-1, None] + np.diff(self.log_times)[:, None] * steps
        return np.append(parts.ravel(), self.log_times[-1])

    @cached_property
    def on_grid(self) -> FloatArray:
        return self._through(self.values, self.grid)

    @cached_property
    def smoother_on_grid(self) -> FloatArray:
        """A cubic spline through the same points, kept between neighbours and from falling.

        How far it is from the curve says how much the interpolation may be wrong between budgets.
        """
        spline = CubicSpline(self.log_times, self.values)(self.grid[:-1])
        low, high = np.repeat(self.values[:-1], CELLS), np.repeat(self.values[1:], CELLS)
        return np.maximum.accumulate(np.append(np.clip(spline, low, high), self.values[-1]))

    def at(self, log_time: float) -> float:
        """NaN outside of what was measured."""
        if not self.log_times[0] <= log_time <= self.log_times[-1]:
            return float("nan")
        return float(np.interp(log_time, self.grid, self.on_grid))

    def steepest_at_end(self, end: Literal[0, -1]) -> float:
        """The slope at the first or the last budget, there or over the whole step to the next.

        The larger of both, since interpolation may be flat at an end where measurements are not.
        """
        step = slice(0, 2) if end == 0 else slice(-2, None)
        whole = np.diff(self.values[step])[0] / np.diff(self.log_times[step])[0]
        return float(max(self.slopes[end], whole))

    def log_time_of(self, value: float) -> float:
        """The shortest log time that gives it; NaN outside of what was measured."""
        if not self.values[0] <= value <= self.values[-1]:
            return float("nan")
        # The interpolation may end an ulp below the last value.
        after = min(int(np.searchsorted(self.on_grid, value)), len(self.grid) - 1)
        if after == 0:
            return float(self.grid[0])
        low, high = self.on_grid[after - 1 : after + 1]
        share = (value - low) / (high - low)
        return float(self.grid[after - 1] + share * (self.grid[after] - self.grid[after - 1]))

    @cached_property
    def slopes(self) -> FloatArray:
        """(cells + 1,): by how much the value grows per unit of log time."""
        return np.gradient(self.on_grid, self.grid)

    @cached_property
    def node_slopes(self) -> FloatArray:
        """(budgets,)."""
        return np.interp(self.log_times, self.grid, self.slopes)

    def slopes_where(self, values: FloatArray) -> FloatArray:
        """At the times at which the curve reaches values; at its ends for those beyond."""
        return np.interp(np.interp(values, *self.first_times), self.grid, self.slopes)

    @cached_property
    def first_times(self) -> tuple[FloatArray, FloatArray]:
        """(values, log times): every value of the grid once, rising, and when it is reached."""
        return first_times(self.on_grid, self.grid)

    @property
    def nudge(self) -> float:
        return NUDGE * float(np.ptp(self.means) or 1.0)

    @cached_property
    def nudged(self) -> FloatArray:
        """(2, cells + 1, budgets): the curve if the mean of a budget were a nudge more, or less."""
        count = len(self.means)
        nudges = self.nudge * np.eye(count)
        moved = [self._pooled(self.means + sign * by) for sign in (1, -1) for by in nudges]
        through = self._through(np.stack(moved, axis=1), self.grid)
        return np.stack([through[:, :count], through[:, count:]])

    @cached_property
    def weights(self) -> FloatArray:
        """(cells + 1, budgets): by how much the curve moves with the mean of each budget."""
        more, less = self.nudged
        return (more - less) / (2 * self.nudge)

    def _pooled(self, means: FloatArray) -> FloatArray:
        return isotonic_regression(means, weights=self.runs).x

    def _through(self, values: FloatArray, log_times: FloatArray) -> FloatArray:
        if self.interpolation == "log-linear":
            return make_interp_spline(self.log_times, values, k=1)(log_times)
        with np.errstate(over="ignore"):  # a slope of next to nothing: its inverse is infinite
            return PchipInterpolator(self.log_times, values)(log_times)


def first_times(on_grid: FloatArray, grid: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(values, log times): every value once, rising, and when it is first reached.

    Where a curve is flat it takes no time to stay there: its first time counts.
    """
    is_new = np.append(True, on_grid[1:] > on_grid[:-1])
    return on_grid[is_new], grid[is_new]
