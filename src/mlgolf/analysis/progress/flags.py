"""What a reader should know of single entries before believing a factor.

Not tuned for the target: an entry that reached it and went on for long, or ended far beyond it, was
made for more, and would have needed less for this; one that reached it when its run ended has the
target that it happens to end at. Inconsistent: numbers of the table that contradict one another.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgolf.analysis.progress.dates import DAYS, arxiv_month, date_of, decimal_year
from mlgolf.analysis.progress.decomposition import part_values
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.table import Columns
from mlgolf.core.arrays import BoolArray, FloatArray

NEAR_END = 0.95  # of a run: the target is where it ends
EARLY = 0.5  # of a run: it was made for more
BEYOND = 0.01  # of the wanted value: it ended well beyond the target
TOLERATED = 0.04  # relative, where two numbers should be the same: rounding to two digits
OFF = 0.25  # relative, of parts from amounts: more than rounding
AGREEING = 2 / 3  # of the rows: fewer, and parts are not all that amounts are made of
DAYS_APART = 20  # between two dates of one entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    entry: str
    kind: str
    place: str
    message: str


def flags(entries: Entries, columns: Columns, baseline: int) -> tuple[Flag, ...]:
    """Args: baseline: the entry that factors count from."""
    return (
        *_when_reached(entries, columns, baseline), *_ended_beyond(entries),
        *_reported(entries, columns, baseline), *_dates(entries, columns),
    )  # fmt: skip


def _flag(entries: Entries, row: Any, kind: str, message: str) -> Flag:
    name = entries.names[row]
    return Flag(entry=name, kind=kind, place=entries.places[row], message=f"{name}: {message}")


def _when_reached(entries: Entries, columns: Columns, baseline: int) -> Iterator[Flag]:
    reached, ended = entries.number("reached"), entries.number("ended")
    for row, share in enumerate(reached / ended):
        when = f"it reached the target at {reached[row]:g} of {ended[row]:g}"
        if share > 1 + 1e-9:
            yield _flag(
                entries, row, "inconsistent",
                f"{when}, after its end: {columns.reached} is above {columns.ended}",
            )
        elif row == baseline and share >= NEAR_END:
            yield _flag(
                entries, row, "baseline_at_its_end",
                f"not tuned for the target: {when}, and it is the baseline. A target near the end "
                "of the baseline's run flatters everybody after it: an easier one gives a smaller "
                "factor",
            )
        elif share <= EARLY:
            yield _flag(
                entries, row, "not_tuned",
                f"not tuned for the target: {when}; it was made to go on, and with a schedule for "
                "this target it may need less",
            )


def _ended_beyond(entries: Entries) -> Iterator[Flag]:
    final, wanted = entries.number("final"), entries.number("wanted")
    for row, beyond in enumerate(np.abs(final - wanted) / np.abs(wanted)):
        if beyond > BEYOND:
            yield _flag(
                entries, row, "not_tuned",
                f"not tuned for the target: it ended at {final[row]:g}, and {wanted[row]:g} was "
                "wanted",
            )


def _reported(entries: Entries, columns: Columns, baseline: int) -> Iterator[Flag]:
    """Factors as reported, against those of the columns of compute; and parts against compute."""
    reported = entries.number("reported")
    amounts = {
        columns.compute: entries.amounts, columns.other_compute: entries.number("other_compute"),
    }
    for column, values in amounts.items():
        for row in np.flatnonzero(_differ(reported, values[baseline] / values)):
            found = values[baseline] / values[row]
            yield _flag(
                entries, row, "inconsistent",
                f"{columns.reported} is {reported[row]:g}, but {values[baseline]:g} / "
                f"{values[row]:g} = {found:.3g} by {column}",
            )


def _differ(one: FloatArray, other: FloatArray) -> BoolArray:
    """Where both are known and are not the same within a tolerance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(np.log(one / other)) > math.log1p(TOLERATED)


def _dates(entries: Entries, columns: Columns) -> Iterator[Flag]:
    for row, text in enumerate(entries.texts.get("other_date", ())):
        other = date_of(text)
        if other is None:
            continue
        apart = round(abs(decimal_year(other) - entries.years[row]) * DAYS)
        if apart > DAYS_APART:
            yield _flag(
                entries, row, "inconsistent",
                f"{columns.date} says {entries.dates[row]}, {columns.other_date} {text}: "
                f"{apart} days apart",
            )
    for row, text in enumerate(entries.texts.get("date_source", ())):
        month, told = arxiv_month(text), tuple(map(int, entries.dates[row].split("-")[:2]))
        if month is not None and len(told) > 1 and month != told:
            yield _flag(
                entries, row, "inconsistent",
                f"{columns.date} says {entries.dates[row]}, but arXiv {text} is of "
                f"{month[0]}-{month[1]:02}",
            )


def parts_against_amounts(
    groups: Sequence[Entries], columns: Columns
) -> tuple[tuple[Flag, ...], ...]:
    """For each group: entries whose amount is not the usual multiple of their parts.

    Args: groups: of one table, with the same unit.
    """
    if not columns.parts:
        return tuple(() for _ in groups)
    products = [np.prod([part_values(entries, n, c) for n, c in columns.parts.items()], axis=0)
                for entries in groups]  # fmt: skip
    ratios = [entries.amounts / p for entries, p in zip(groups, products, strict=True)]
    every = np.concatenate(ratios)
    if np.isfinite(every).sum() < 3:
        return tuple(() for _ in groups)
    usual = float(np.nanmedian(every))
    off = np.abs(np.log(every[np.isfinite(every)] / usual)) > math.log1p(OFF)
    if 1 - off.mean() < AGREEING:
        return tuple(() for _ in groups)
    return tuple(
        tuple(
            _flag(
                entries, row, "inconsistent",
                f"{columns.compute} is {entries.amounts[row]:g}, {ratio[row] / usual:.2g} times "
                f"what {' x '.join(columns.parts.values())} gives in the other rows",
            )
            for row in np.flatnonzero(np.abs(np.log(ratio / usual)) > math.log1p(OFF))
        )
        for entries, ratio in zip(groups, ratios, strict=True)
    )

