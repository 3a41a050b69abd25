"""The quantities that a competition may minimise or bound, each declared once.

Only the referee measures them. A new quantity is a row here, added together with the code that
first measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlgolf.core.errors import RulesError
from mlgolf.core.target import Goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the referee measures at every evaluation of a trial.

    `goal` is None where the workload declares it (an error rate falls, an accuracy rises).
    `accumulates` says that the value can only grow while a trial runs: once a trial satisfies its
    constraints, going on can then not improve an objective of this kind, so the trial is over.
    """

    name: str
    unit: str
    goal: Goal | None
    accumulates: bool
    meaning: str


def _declare(*quantities: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({quantity.name: quantity for quantity in quantities})


QUANTITIES: Mapping[str, Quantity] = _declare(
    Quantity(
        name="time", unit="s", goal=Goal.MINIMISE, accumulates=True,
        meaning="seconds on the referee's clock, by the clock rule of the hardware class",
    ),
    Quantity(
        name="cpu_time", unit="s", goal=Goal.MINIMISE, accumulates=True,
        meaning="CPU seconds of every process the player ever had, frozen time left out",
    ),
    Quantity(
        name="wall_time", unit="s", goal=Goal.MINIMISE, accumulates=True,
        meaning="seconds by the monotonic clock, frozen time left out",
    ),
    Quantity(
        name="steps", unit="1", goal=Goal.MINIMISE, accumulates=True,
        meaning="completed update_params calls, as the player counted them",
    ),
    Quantity(
        name="train_loss", unit="nats", goal=Goal.MINIMISE, accumulates=False,
        meaning="mean loss over a fixed subset of the training split, in evaluation mode",
    ),
    Quantity(
        name="validation_metric", unit="1", goal=None, accumulates=False,
        meaning="the workload's metric on its validation split",
    ),
    Quantity(
        name="test_metric", unit="1", goal=None, accumulates=False,
        meaning="the workload's metric on its test split",
    ),
)


def quantity(name: str) -> Quantity:
    """The declared quantity of that name. Raises: RulesError, naming all that are declared."""
    if name not in QUANTITIES:
        raise RulesError(f"unknown quantity {name!r}; declared are {', '.join(QUANTITIES)}")
    return QUANTITIES[name]
