"""Progress on one target: record, factor, trend with its interval, what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.progress.decomposition import (
    Step,
    decomposed,
    factor_at_easier,
    factor_by_spacing,
)
from mlgolf.analysis.progress.effective import EffectiveCompute, effective_compute
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.flags import Flag, flags
from mlgolf.analysis.progress.frontier import records
from mlgolf.analysis.progress.intervals import FEWEST, TrendInterval, trend_interval
from mlgolf.analysis.progress.table import Columns
from mlgolf.analysis.progress.trend import Trend, months, months_interval, record_trend
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.text import number_of, significant

ESTIMATOR = "least squares of log2(1 / compute) on date, over the entries that held the record"
INTERVAL = "the trends that would give such a record, by a bootstrap over entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What the numbers were without one entry."""

    entry: str
    factor: float
    doubling_months: float


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Of entries that reached one target."""

    entries: Entries
    quantity: str  # what amounts are, as the table calls it
    trend: Trend
    trend_interval: TrendInterval
    steps: tuple[Step, ...] = ()  # to each record after the first
    flags: tuple[Flag, ...] = ()
    effective: EffectiveCompute | None = None
    confidence: float = CONFIDENCE
    with_trend: bool = True  # False: its dates are too close for a doubling time
    easier_target: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def log2(self) -> FloatArray:
        return np.log2(self.entries.amounts)

    @cached_property
    def held(self) -> BoolArray:
        """(entries,): which held the record."""
        return records(self.entries.years, self.entries.amounts)

    @property
    def record_rows(self) -> list[int]:
        return np.flatnonzero(self.held).tolist()

    @property
    def frontier(self) -> tuple[str, ...]:
        return tuple(self.entries.names[row] for row in self.record_rows)

    @property
    def baseline(self) -> str:
        return self.frontier[0]

    @property
    def best(self) -> str:
        return self.frontier[-1]

    @property
    def factor(self) -> float:
        """End to end: the first record over the last."""
        return self.factors[-1]

    @property
    def factors(self) -> list[float]:
        """Of each record, since the first."""
        amounts = self.entries.amounts[self.held]
        return (amounts[0] / amounts).tolist()

    @property
    def span(self) -> float:
        """Years from the first record to the last."""
        years = self.entries.years[self.held]
        return float(years[-1] - years[0])

    @property
    def span_of_entries(self) -> float:
        """Years from the first entry to the last."""
        return float(np.ptp(self.entries.years))

    @property
    def doubling_months(self) -> float:
        """Infinite where nobody needed less than the first."""
        return self.trend.doubling_months if len(self.frontier) > 1 else np.inf

    @property
    def interval(self) -> Interval:
        """Of the doubling time, in months."""
        return months_interval(self.trend_interval.interval)

    @property
    def corrected_months(self) -> float:
        """The doubling time, allowing for a record's being the best of more and more entries."""
        return months(self.trend_interval.middle)

    @property
    def regression_interval(self) -> Interval:
        return months_interval(self.trend.slope_interval(self.confidence))

    @property
    def end_point_months(self) -> float:
        """By the first and the last record alone."""
        return months(np.log2(self.factor) / self.span) if self.span > 0 else np.inf

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """One for each record, since who held none changes nothing."""
        found = []
        for row in self.record_rows if len(self.entries) > 1 else ():
            rest = self.entries.without(row)
            held = records(rest.years, rest.amounts)
            slope = record_trend(rest.years, np.log2(rest.amounts)).slope
            least = rest.amounts[held]
            found.append(LeftOut(
                entry=self.entries.names[row], factor=float(least[0] / least[-1]),
                doubling_months=months(slope) if held.sum() > 1 else np.inf,
            ))  # fmt: skip
        return tuple(found)

    @property
    def factor_by_spacing(self) -> Interval:
        """By evaluations that stand one unit of `reached` apart."""
        reached, rows = self.entries.number("reached"), self.record_rows
        return factor_by_spacing(reached, self.entries.amounts, rows[0], rows[-1])

    @property
    def factor_at_easier(self) -> float:
        entries, rows = self.entries, self.record_rows
        return factor_at_easier(
            entries.number("reached"), entries.number("easier"), entries.amounts, rows[0], rows[-1]
        )


def history_of(
    entries: Entries, columns: Columns | None = None, *, quantity: str = "compute",
    physical_growth: float | None = None, confidence: float = CONFIDENCE,
    more_flags: tuple[Flag, ...] = (), notes: tuple[str, ...] = (), with_trend: bool = True,
    easier_target: str = "",
) -> History:
    """Args:
      entries: by date, at least two dates; one may do without a trend.
      columns: what the table calls them, for flags and parts.
      with_trend: False where dates are too close for a doubling time.
    """
    log2, called = np.log2(entries.amounts), columns or Columns(compute=quantity)
    rows = np.flatnonzero(records(entries.years, entries.amounts)).tolist()
    first, last = rows[0], rows[-1]
    unknown = TrendInterval(interval=(np.nan, np.nan), middle=np.nan)
    interval = trend_interval(entries.years, log2, confidence=confidence)
    factor = float(entries.amounts[first] / entries.amounts[last])
    effective = None
    if physical_growth is not None:
        effective = effective_compute(physical_growth, factor, entries.target)
    parts: Mapping[str, str] = called.parts
    return History(
        entries=entries, quantity=quantity, trend=record_trend(entries.years, log2),
        trend_interval=interval if with_trend else unknown,
        steps=decomposed(entries, parts, first, rows[1:]),
        flags=(*flags(entries, called, first), *more_flags), effective=effective,
        confidence=confidence, with_trend=with_trend, easier_target=easier_target,
        notes=(*notes, *_about(entries, first, len(rows))),
    )  # fmt: skip


def _about(entries: Entries, first: int, number: int) -> list[str]:
    """What limits the numbers, a sentence each."""
    said = []
    same_day = np.flatnonzero(entries.years == entries.years[first])
    if len(same_day) > 1:
        worst = int(same_day[entries.amounts[same_day].argmax()])
        against = float(entries.amounts[worst] / entries.amounts.min())
        said.append(
            f"the first date has {len(same_day)} entries; the least of them, "
            f"{entries.names[first]}, is the baseline. Against {entries.names[worst]} the factor "
            f"is {significant(against, 3)}: choose by --baseline"
        )
    if number > 1 and len(entries) < FEWEST:
        entries_found = number_of(len(entries), "entry")
        said.append(f"{entries_found}: {FEWEST} at least are needed for an interval")
    if number == 2:
        said.append("two records: the doubling time is that of the end points")
    if number == 1:
        said.append(f"nobody needed less than {entries.names[first]}, the first")
    return said
