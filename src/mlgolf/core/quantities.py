"""The quantities that a competition may minimise or bound, each declared once.

Only the referee writes them down. What it cannot measure itself, but has from the player, is marked
as claimed. A new quantity is a row here, added together with the code that first measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mlgolf.core.errors import RulesError
from mlgolf.core.target import Goal

# A number that each workload of a competition gives, by the name of its field.
Bound = Literal["target", "test_target", "budget_seconds", "step_limit"]


def is_target(bound: float | str) -> bool:
    """Whether a workload's number is a value to reach, not one to stay within."""
    return bound in ("target", "test_target")


def bound_noun(bound: Bound) -> str:
    """For sentences: target, test target, budget, step limit."""
    return bound.removesuffix("_seconds").replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the referee writes down at every evaluation of a trial.

    `goal` is None where the workload declares it (an error rate falls, an accuracy rises).
    `accumulates` says that the value can only grow while a trial runs: once a trial satisfies its
    constraints, going on can then not improve an objective of this kind, so the trial is over.
    `claimed` says that the referee takes the player's word for it. `bound` is the number of a
    workload that bounds it where rules do not say which; None if there is none.
    """

    name: str
    noun: str  # for sentences
    unit: str
    goal: Goal | None
    accumulates: bool
    bound: Bound | None
    claimed: bool = False
    meaning: str


def _declare(*quantities: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({quantity.name: quantity for quantity in quantities})


QUANTITIES: Mapping[str, Quantity] = _declare(
    Quantity(
        name="time", noun="training time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds",
        meaning="seconds on the referee's clock, by the clock rule of the hardware class",
    ),
    Quantity(
        name="cpu_time", noun="CPU time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds",
        meaning="CPU seconds of every process the player ever had, frozen time left out",
    ),
    Quantity(
        name="wall_time", noun="wall-clock time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds",
        meaning="seconds by the monotonic clock, frozen time left out",
    ),
    Quantity(
        name="steps", noun="number of steps", unit="1", goal=Goal.MINIMISE,
        accumulates=True, bound="step_limit", claimed=True,
        meaning="completed update_params calls, as the player counted them",
    ),
    Quantity(
        name="train_loss", noun="training loss", unit="nats", goal=Goal.MINIMISE,
        accumulates=False, bound=None,
        meaning="mean loss over a fixed subset of the training split, in evaluation mode",
    ),
    Quantity(
        name="validation_metric", noun="validation metric", unit="1", goal=None,
        accumulates=False, bound="target",
        meaning="the workload's metric on its validation split",
    ),
    Quantity(
        name="test_metric", noun="test metric", unit="1", goal=None,
        accumulates=False, bound="test_target",
        meaning="the workload's metric on its test split",
    ),
)


def quantity(name: str) -> Quantity:
    """The declared quantity of that name. Raises: RulesError, naming all that are declared."""
    if name not in QUANTITIES:
        raise RulesError(f"unknown quantity {name!r}; declared are {', '.join(QUANTITIES)}")
    return QUANTITIES[name]
