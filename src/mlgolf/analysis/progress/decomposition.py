"""What the factor is made of: epochs and cost per epoch, or algorithm, hardware and price.

A part is a column that amounts are proportional to, or are divided by ("/flop_per_second"). Its
factor is the ratio of the baseline's value to the best one's; the factors of the parts and of what
they leave unexplained multiply to the whole. Where an evaluation stands at the end of each epoch, a
target is reached somewhere in the last one before it was seen: that is an error bar of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.table import INVERSE, part_key
from mlgolf.core.arrays import FloatArray

REST = "rest"  # what no part explains


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From the baseline to one entry."""

    entry: str
    factor: float
    parts: Mapping[str, float]  # with the rest; NaN where a cell is empty


def decomposed(
    entries: Entries, parts: Mapping[str, str], first: int, rows: list[int]
) -> tuple[Step, ...]:
    """Args: parts: name -> column, "/column"; first: the baseline; rows: of which entries."""
    if not parts:
        return ()
    values = {name: part_values(entries, name, column) for name, column in parts.items()}
    steps = []
    for row in rows:
        factor = float(entries.amounts[first] / entries.amounts[row])
        found = {name: float(of[first] / of[row]) for name, of in values.items()}
        found[REST] = factor / float(np.prod([*found.values()]))
        steps.append(Step(entry=entries.names[row], factor=factor, parts=found))
    return tuple(steps)


def part_values(entries: Entries, name: str, column: str) -> FloatArray:
    """(entries,): what amounts are proportional to; NaN where a cell is empty."""
    values = entries.number(part_key(name))
    return 1 / values if column.startswith(INVERSE) else values


def factor_by_spacing(reached: FloatArray, amounts: FloatArray, first: int, last: int) -> Interval:
    """The factors that evaluations once per unit of `reached` allow, from least to most.

    The target was seen at `reached` and not one unit before, so that it was reached in between.
    Both NaN where either is not known, or where it is not counted in whole evaluations.
    """
    if (reached[np.isfinite(reached)] % 1 != 0).any():
        return np.nan, np.nan
    factor = amounts[first] / amounts[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        shorter = (reached - 1) / reached
        return float(factor * shorter[first]), float(factor / shorter[last])


def factor_at_easier(
    reached: FloatArray, easier: FloatArray, amounts: FloatArray, first: int, last: int
) -> float:
    """The factor if the easier target had been asked for; NaN where the baseline's is not known.

    Who has none is taken to need as much for the easier one.
    """
    share = easier / reached
    of_last = 1.0 if np.isnan(share[last]) else share[last]
    return float(amounts[first] * share[first] / (amounts[last] * of_last))
