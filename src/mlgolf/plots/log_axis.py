"""Ticks of logarithmic axes: plain numbers all over the range, however short it is."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt

CHARACTER, GAP = 7.0, 10.0  # pixels of a digit, and between labels side by side
LINE = 18.0  # pixels from label to label above one another
FEWEST = 3
STEPS = (
    (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
)  # fmt: skip
PLAIN = ",~r"  # no exponents


def log_axis(
    low: float, high: float, pixels: float, *, vertical: bool = False, **looks: Any
) -> alt.Axis:
    """An axis of so many pixels. Args: low, high: ends of its domain."""
    ticks = log_ticks(low, high, pixels, vertical=vertical)
    return alt.Axis(values=ticks, format=PLAIN, **looks)


def log_ticks(low: float, high: float, pixels: float, *, vertical: bool = False) -> list[float]:
    """1, 2, 5, 10, 20, … within the ends; finer where these are few, coarser in a lack of room."""
    found = (_within(low, high, steps) for steps in STEPS)
    ticks = next((some for some in found if len(some) >= FEWEST), None) or _even(low, high)
    powers = _within(low, high, (1,))
    if len(powers) > 1 and not _fit(ticks, low, high, pixels, vertical=vertical):
        ticks = powers
    while len(ticks) > 2 and not _fit(ticks, low, high, pixels, vertical=vertical):
        ticks = ticks[::2]
    return ticks


def _within(low: float, high: float, steps: Sequence[float]) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (float(f"{step}e{decade}") for decade in decades for step in steps)
    return [tick for tick in ticks if low <= tick <= high]


def _even(low: float, high: float) -> list[float]:
    """Of a range so short that a logarithm is as good as straight."""
    rough = (high - low) / 8
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    numbers = range(math.floor(low / step), math.ceil(high / step) + 1)
    ticks = (float(f"{step * number:.12g}") for number in numbers)
    return [tick for tick in ticks if low <= tick <= high]


def _fit(
    ticks: Sequence[float], low: float, high: float, pixels: float, *, vertical: bool
) -> bool:
    scale = pixels / math.log(high / low)
    return all(
        scale * math.log(after / before) >= (LINE if vertical else _room(before, after))
        for before, after in pairwise(ticks)
    )


def _room(before: float, after: float) -> float:
    """Between the middles of two labels side by side."""
    return GAP + CHARACTER * (len(f"{before:,.12g}") + len(f"{after:,.12g}")) / 2
