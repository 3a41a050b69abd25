"""Points that no other point beats in both of two quantities."""

from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal


@dataclass(frozen=True, slots=True)
class Axis:
    """One of the two. Args: name: of a column, or of a quantity of runs."""

    name: str
    goal: Goal


def parse_axes(text: str) -> tuple[Axis, Axis]:
    """ "energy:minimise,accuracy:maximise" as axes. Raises: ScoringError."""
    axes = []
    for part in text.split(","):
        name, _, goal = part.strip().rpartition(":")
        if name and goal in [*Goal]:
            axes.append(Axis(name, Goal(goal)))
    if len(axes) != 2 or text.count(",") != 1:
        raise ScoringError(
            f"--pareto: found {text!r}; give two columns, each with which way is better: "
            "energy:minimise,accuracy:maximise"
        )
    return axes[0], axes[1]


def pareto_front(first: FloatArray, second: FloatArray) -> BoolArray:
    """Which points no other equals or beats in both quantities and beats in one.

    Args: first, second: (points,), smaller is better, none of them NaN.
    Returns: (points,). Of equal points all are on the front.
    """
    order = np.lexsort((second, first))
    ahead = second[order]
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], ahead[:-1]]))
    is_equal = np.zeros(len(order), dtype=bool)
    is_equal[1:] = (np.diff(first[order]) == 0) & (np.diff(ahead) == 0)
    on_it = np.zeros(len(order), dtype=bool)
    last = False
    for place, better in enumerate(ahead < best_before):
        last = bool(better) or (last and bool(is_equal[place]))
        on_it[order[place]] = last
    return on_it
