"""The trend of the record: least squares of log2(1 / compute) on date, over the records.

    halvings per year = the slope;   doubling time of efficiency = 12 / slope months

Source: Hernandez and Brown (2020), arXiv:2005.04305, who do not say which estimator they used. The
value by the first and the last record alone stands beside it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.progress.dates import MONTHS
from mlgolf.analysis.progress.frontier import records
from mlgolf.core.arrays import FloatArray

NONE: Interval = (np.nan, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A line through records: log2 of the amount at a date."""

    slope: float  # halvings per year; NaN for a single date
    mean_year: float
    mean_log2: float
    residual: float  # standard deviation about the line; NaN for fewer than three records
    spread: float  # sum of squares of years about their mean
    records: int

    @property
    def doubling_months(self) -> float:
        """Infinite where no entry needed less than the first."""
        return months(self.slope)

    def log2_at(self, years: FloatArray) -> FloatArray:
        return self.mean_log2 - self.slope * (years - self.mean_year)

    def half_width(self, years: FloatArray, confidence: float = CONFIDENCE) -> FloatArray:
        """Of the line's band, in log2, by quantiles of t; NaN for fewer than three records."""
        limit = _quantile(self.records, confidence)
        away = (years - self.mean_year) ** 2 / self.spread
        return limit * self.residual * np.sqrt(1 / self.records + away)

    def slope_interval(self, confidence: float = CONFIDENCE) -> Interval:
        """As if records were independent measurements about a line, which they are not quite."""
        if self.records < 3:
            return NONE
        half = _quantile(self.records, confidence) * self.residual / np.sqrt(self.spread)
        return self.slope - half, self.slope + half


def _quantile(points: int, confidence: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, points - 2)) if points > 2 else np.nan


def trend(years: FloatArray, log2_amounts: FloatArray) -> Trend:
    """Of all the points that are given: pass the records.

    Args: years, log2_amounts: (records,), at least one.
    """
    away = years - years.mean()
    spread = float(away @ away)
    slope = float(-(away @ log2_amounts) / spread) if spread > 0 else np.nan
    left = log2_amounts - log2_amounts.mean() + slope * away
    few = len(years) < 3
    return Trend(
        slope=slope, mean_year=float(years.mean()), mean_log2=float(log2_amounts.mean()),
        residual=np.nan if few else float(np.sqrt(left @ left / (len(years) - 2))),
        spread=spread, records=len(years),
    )  # fmt: skip


def record_trend(years: FloatArray, log2_amounts: FloatArray) -> Trend:
    held = records(years, log2_amounts)
    return trend(years[held], log2_amounts[held])


def months(slope: float) -> float:
    """Of a number of halvings per year; infinite for none."""
    return float(MONTHS / slope) if slope > 0 else np.inf if slope == 0 else np.nan


def months_interval(slope: Interval) -> Interval:
    """Of the doubling time. Where the slope may be 0 it has no upper end.

    Both NaN where it has no interval, or no slope above 0 in it.
    """
    low, high = slope
    if np.isnan(low) or not high > 0:
        return NONE
    return months(high), months(low) if low > 0 else np.inf
