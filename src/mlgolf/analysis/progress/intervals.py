"""An interval of the trend, by a bootstrap over entries that knows what a record is.

A record is no draw like another: it is the least of all entries so far, and the first is the least
of one. Plain bootstraps over entries, and quantiles of t of a regression on records, therefore hold
the true trend too rarely. Here each possible trend is asked whether entries that follow it, each
with an inefficiency of its own, would make the record fall as steeply as it fell:

    log2 amount = level - trend x year + inefficiency,    T = (slope of the record - trend) / s

The slope of the record is that of the least amount so far, taken at the date of each entry (it is
steadier than the slope through records, of which two may be days apart), and s is the standard
deviation of all entries about their own line. Inefficiencies are drawn with replacement from the
entries' residuals, of variance corrected for the fit, and smoothed: with few entries a residual
that is drawn twice is a tie that no data have. The interval holds the trends under which T as it
was seen is in the middle of what is drawn. `benchmarks/progress_coverage.py` simulates how often it
holds the truth.

Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.progress.trend import NONE
from mlgolf.core.arrays import FloatArray

DRAWS = 2000
MOST_DRAWN = 2_000_000  # inefficiencies: of many entries fewer draws will do
FEWEST_DRAWS = 200
FEWEST = 4  # entries: fewer leave too little to draw from
STEPS = 20  # of a bisection
FARTHEST = 12  # doublings of the distance at which an end is looked for
SMOOTHED = 0.2  # times entries^(-1/5) standard deviations: more would blur a sharp lower edge


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendInterval:
    """Halvings per year."""

    interval: Interval  # infinite where there is no end; both NaN: too few entries
    middle: float  # under which the record falls less steeply than it did half of the time


UNKNOWN = TrendInterval(interval=NONE, middle=np.nan)


def trend_interval(
    years: FloatArray, log2_amounts: FloatArray, *, confidence: float = CONFIDENCE,
    draws: int = DRAWS, seed: int = 0,
) -> TrendInterval:
    """Of the trend that all entries, and so the record, follow.

    Args: years, log2_amounts: (entries,), years ascending.
    """
    if len(years) < FEWEST or years[0] == years[-1]:
        return UNKNOWN
    draws = max(min(draws, MOST_DRAWN // len(years)), FEWEST_DRAWS)
    about = _AboutTrends(years, log2_amounts, np.random.default_rng(seed), draws)
    if about.scale <= 1e-12 * max(1.0, abs(about.start)):  # all on one line
        return TrendInterval(interval=(about.start, about.start), middle=about.start)
    tail = (1 - confidence) / 2
    low = _end(lambda trend: about.steeper(trend) > tail, about, -1)
    high = _end(lambda trend: about.flatter(trend) > tail, about, +1)
    middle = _end(lambda trend: about.flatter(trend) > 0.5, about, +1)
    return TrendInterval(interval=(float(low), float(high)), middle=float(middle))


class _AboutTrends:
    """The shares of draws whose record falls more, or less, steeply than the one that was seen."""

    def __init__(
        self, years: FloatArray, log2_amounts: FloatArray, rng: np.random.Generator, draws: int
    ) -> None:
        self._years, self._away = years, years - years.mean()
        self._last = np.searchsorted(years, years, side="right") - 1  # of those of the same date
        self._spread = float(self._away @ self._away)
        line, scale = self._line(log2_amounts[None])
        self.start, self.scale = float(line[0]), float(scale[0])
        self.step = self.scale / np.sqrt(self._spread)  # a standard error of the entries' slope
        self._seen = float(self._of_record(log2_amounts[None])[0])
        self._noise = self._drawn(log2_amounts, rng, draws)

    def steeper(self, trend: float) -> float:
        drawn, seen = self._of(trend)
        return float((drawn >= seen).mean())

    def flatter(self, trend: float) -> float:
        drawn, seen = self._of(trend)
        return float((drawn <= seen).mean())

    def _of(self, trend: float) -> tuple[FloatArray, float]:
        log2 = self.scale * self._noise - trend * self._years
        drawn = (self._of_record(log2) - trend) / self._line(log2)[1]
        return drawn, (self._seen - trend) / self.scale

    def _of_record(self, log2: FloatArray) -> FloatArray:
        """(draws,): of the least amount so far, taken at the date of each entry."""
        least = np.minimum.accumulate(log2, axis=-1)[..., self._last]
        return -(least @ self._away) / self._spread

    def _line(self, log2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Slopes and residual standard deviations of lines through all entries."""
        slope = -(log2 @ self._away) / self._spread
        left = log2 - log2.mean(axis=-1, keepdims=True) + slope[:, None] * self._away
        return slope, np.sqrt((left**2).sum(axis=-1) / (len(self._years) - 2))

    def _drawn(self, log2: FloatArray, rng: np.random.Generator, draws: int) -> FloatArray:
        """(draws, entries): inefficiencies of variance 1."""
        entries = len(log2)
        residuals = log2 - log2.mean() + self.start * self._away
        leverage = 1 / entries + self._away**2 / self._spread
        free = residuals / np.sqrt(np.maximum(1 - leverage, 1e-9))
        free -= free.mean()
        size = np.sqrt((free**2).mean())
        free = free / size if size > 0 else free
        width = SMOOTHED * entries**-0.2
        chosen = free[rng.integers(0, entries, (draws, entries))]
        smooth = width * rng.standard_normal((draws, entries))
        return (chosen + smooth) / np.sqrt(1 + width**2)


def _end(holds: Callable[[float], bool], about: _AboutTrends, side: int) -> float:
    """The farthest trend on one side that holds, by bisection; infinite if all hold."""
    near = about.start
    for _ in range(FARTHEST):
        if holds(near):
            break
        near -= side * (about.step + abs(near - about.start))
    else:
        return -side * np.inf
    distance = about.step
    for _ in range(FARTHEST):
        if not holds(near + side * distance):
            break
        distance *= 2
    else:
        return side * np.inf
    far = near + side * distance
    for _ in range(STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if holds(middle) else (near, middle)
    return near
