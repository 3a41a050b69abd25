"""The axes of quality against time, and pixels on them."""

import math
from dataclasses import dataclass

import altair as alt
import numpy as np
import polars as pl

from mlgolf.core.target import Goal
from mlgolf.plots.log_axis import log_axis

ABOVE = 0.06  # of the range of qualities, free above and below
WIDE = 4.0  # times the least loss: from there on its axis is logarithmic


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Both axes, and pixels on them, from the upper left corner."""

    time: str  # titles
    quality: str
    times: tuple[float, float]
    qualities: tuple[float, float]
    is_log: bool  # of qualities; times always are
    width: int
    height: int

    @property
    def x(self) -> alt.X:
        scale = alt.Scale(type="log", domain=[*self.times], nice=False)
        axis = log_axis(*self.times, self.width, grid=False)
        return alt.X("time:Q", title=self.time, axis=axis, scale=scale)

    def y(self, column: str = "quality") -> alt.Y:
        looks = {"domain": False, "ticks": False, "minExtent": 34}
        kind = "log" if self.is_log else "linear"
        return alt.Y(
            f"{column}:Q", title=self.quality,
            scale=alt.Scale(type=kind, domain=[*self.qualities], zero=False, nice=False),
            axis=log_axis(*self.qualities, self.height, vertical=True, **looks) if self.is_log
            else alt.Axis(tickCount=max(4, self.height // 48), **looks),
        )

    def pixels(self, time: float, quality: float) -> tuple[float, float]:
        low, high = self._ends
        return (
            self.width * math.log(time / self.times[0]) / math.log(self.times[1] / self.times[0]),
            self.height * (high - self._scaled(quality)) / (high - low),
        )

    def value(self, left: float, top: float) -> tuple[float, float]:
        low, high = self._ends
        quality = high + (low - high) * top / self.height
        time = self.times[0] * (self.times[1] / self.times[0]) ** (left / self.width)
        return time, math.exp(quality) if self.is_log else quality

    @property
    def _ends(self) -> tuple[float, float]:
        return self._scaled(self.qualities[0]), self._scaled(self.qualities[1])

    def _scaled(self, quality: float) -> float:
        if not self.is_log:
            return quality
        return math.log(max(quality, self.qualities[0]))  # an interval may reach below 0


def axes_of(
    table: pl.DataFrame, width: int, height: int, time: str, quality: str, goal: Goal
) -> Axes:
    """Args: table: whose times and qualities all have room."""
    times, values = table["time"].to_numpy(), table["quality"].to_numpy()
    all_values = np.concatenate([table[end].drop_nulls() for end in ("quality", "low", "high")])
    is_log = losses_are_wide(table, goal)
    if is_log:  # intervals are cut where they go far below all estimates
        ends = max(all_values.min(), values.min() / 2) / 1.1, all_values.max() * 1.1
    else:
        room = ABOVE * np.ptp(all_values)
        ends = all_values.min() - room, all_values.max() + room
    return Axes(
        time=time, quality=quality, times=(float(times.min()) / 1.1, float(times.max()) * 1.1),
        qualities=(float(ends[0]), float(ends[1])), is_log=is_log, width=width, height=height,
    )


def losses_are_wide(table: pl.DataFrame, goal: Goal) -> bool:
    """Whether losses differ so much that their axis is logarithmic."""
    values = table["quality"].to_numpy()
    return goal is Goal.MINIMISE and 0 < values.min() <= values.max() / WIDE
