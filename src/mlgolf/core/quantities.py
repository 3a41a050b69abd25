"""The quantities that a competition may minimise or bound, each declared once.

Only the referee writes them down. What it cannot measure itself, but has from the player, is marked
as claimed. Those that every trial has stand here. Others are entry points of the group
`mlgolf.quantities`, each a Quantity: ours are in `mlgolf.measures`, and a stranger's count as much.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from traceback import extract_tb
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.entry_points import load_entry, named
from mlgolf.core.errors import BrokenPackage, RulesError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.core.text import significant

Measure = Callable[[Mapping[str, NDArray]], float]  # named parameters -> value
CLOCKS, STEPS = ("seconds", "cpu_seconds", "wall_seconds"), "steps"  # columns of every trial
JOULES = "joules"  # the column of what a meter counts, where the machine has one
MODEL = "model"  # what is measured of the parameters stands beside the splits: "model/l2"
DIGITS = 4  # of values by which submissions are ranked
REGULARISER = "regulariser"  # a measure that rules bring along
SQUARED_ERROR = "squared_error"  # what a network's loss is called that is no log-likelihood


def bound_noun(bound: str) -> str:
    """For sentences: target, test target, budget, step limit."""
    for unit in ("_seconds", "_dollars", "_joules"):
        bound = bound.removesuffix(unit)
    return bound.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the referee writes down at every evaluation of a trial.

    `goal` is None where the workload declares it (an error rate falls, an accuracy rises).
    `accumulates` says that the value can only grow while a trial runs: once a trial satisfies its
    constraints, going on can then not improve an objective of this kind, so the trial is over.
    `claimed` says that the referee takes the player's word for it. `bound` is what workloads
    usually call the number that bounds it; empty: what the quantity is called.

    `unit` is that of a log-likelihood where the quantity is a loss; `unit_under` knows others.

    A value is read from a `column` of the evaluations, "{metric}" being the workload's own metric,
    or it is what `measure` finds in the named parameters. A value is `factor` times what stands in
    its column: bits are made of nats. One that is `priced` is also times what a second costs on
    the hardware class. `of_any_model`: it has a meaning for a model that the contestant brings; a
    norm has none, which a few additions shrink to nothing. `whole`: it counts something, so it is
    shown in whole numbers, with separators of thousands.
    """

    name: str
    noun: str  # for sentences
    unit: str
    goal: Goal | None
    accumulates: bool = False
    bound: str = ""
    claimed: bool = False
    column: str = ""
    factor: float = 1.0
    priced: bool = False
    measure: Measure | None = None
    of_any_model: bool = False
    whole: bool = False
    meaning: str

    def __post_init__(self) -> None:
        if bool(self.column) == (self.measure is not None):
            raise RulesError(
                f"quantity {self.name!r}: give a column or a measure, and not both: one way to "
                "find its value"
            )
        if not 0 < self.factor < math.inf:
            raise RulesError(
                f"quantity {self.name!r}: found the factor {self.factor}, allowed is more than 0"
            )

    @property
    def usual_bound(self) -> str:
        return self.bound or self.name

    @property
    def is_of_a_clock(self) -> bool:
        """Whether a clock says what is spent of it, so that a deadline can be set for it."""
        return self.column in CLOCKS

    @property
    def is_of_a_meter(self) -> bool:
        """Whether it can be measured only where the machine has a meter."""
        return self.column == JOULES

    @property
    def is_of_the_model(self) -> bool:
        """Whether it is found in the parameters alone, by its own measure or the host's."""
        return self.measure is not None or self.column.startswith(f"{MODEL}/")

    @property
    def is_target(self) -> bool:
        """Whether a bound on it is a value to reach, not one to stay within.

        What only grows is stayed within. All else is reached, norms and sizes too: such a bound is
        eased among the target levels, and must be beaten where rules ask for that.
        """
        return not self.accumulates

    def number(self, value: float, digits: int = DIGITS) -> str:
        """A measured value as text, without its unit; so many significant digits, or all."""
        return significant(value, digits, whole=self.whole)

    def given(self, value: float, digits: int = 6) -> str:
        """A value that rules give, as text without its unit: no longer than it was given."""
        return self.number(value) if self.whole else f"{value:.{digits}g}"

    def unit_under(self, loss: str | None) -> str:
        """Its unit where a network is declared with this loss: a squared error has none."""
        is_loss = self.column.endswith(("/loss", "/loss_max"))
        return "1" if is_loss and loss == SQUARED_ERROR else self.unit

    def column_for(self, metric: str) -> str:
        """Where its values stand; `metric` is the workload's, e.g. "error_rate"."""
        return f"{MODEL}/{self.name}" if self.measure else self.column.format(metric=metric)

    def scale(self, dollars_per_second: float = math.nan) -> float:
        """What a number of its column is multiplied by.

        Args: dollars_per_second: on the clock of the machine; NaN where nobody says.
        """
        return self.factor * (dollars_per_second if self.priced else 1.0)


def _by_name(*declared: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({quantity.name: quantity for quantity in declared})


_OF_EVERY_TRIAL = _by_name(
    Quantity(
        name="time", noun="training time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds", column="seconds",
        meaning="seconds on the referee's clock, by the clock rule of the hardware class",
    ),
    Quantity(
        name="cpu_time", noun="CPU time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds", column="cpu_seconds",
        meaning="CPU seconds of every process the player ever had, frozen time left out",
    ),
    Quantity(
        name="wall_time", noun="wall-clock time", unit="s", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_seconds", column="wall_seconds",
        meaning="seconds by the monotonic clock, frozen time left out",
    ),
    Quantity(
        name="dollars", noun="cost", unit="dollars", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_dollars", column="seconds", priced=True,
        meaning=(
            "seconds on the referee's clock, times the speed of the machine (as probed, in times "
            "that of the hardware class's reference machine), times the price of a second that "
            "the hardware class gives: what the same work costs on the reference machine"
        ),
    ),
    Quantity(
        name="energy", noun="energy", unit="J", goal=Goal.MINIMISE,
        accumulates=True, bound="budget_joules", column=JOULES,
        meaning=(
            "joules by the meters of the hardware class while the referee's clock ran, of the "
            "whole processor package or GPU, whoever used it; absent on machines without a meter, "
            "and never estimated"
        ),
    ),
    Quantity(
        name="steps", noun="number of steps", unit="1", goal=Goal.MINIMISE,
        accumulates=True, bound="step_limit", claimed=True, column="steps", whole=True,
        meaning="completed update_params calls, as the player counted them",
    ),
    Quantity(
        name="train_loss", noun="training loss", unit="nats", goal=Goal.MINIMISE,
        column="train/loss",
        meaning="mean loss over a fixed subset of the training split, in evaluation mode",
    ),
    Quantity(
        name="train_loss_max", noun="largest training loss of an example", unit="nats",
        goal=Goal.MINIMISE, column="train/loss_max",
        meaning="largest loss of an example of the training split, in evaluation mode",
    ),
    Quantity(
        name="bits", noun="two-part code length", unit="bits", goal=Goal.MINIMISE,
        column="train/bits", whole=True,
        meaning=(
            "bits of the model's compressed code, and of all training labels given the model: "
            "-log2 of the probability of each (Rissanen 1978)"
        ),
    ),
    Quantity(
        name=REGULARISER, noun="regulariser", unit="1", goal=Goal.MINIMISE,
        column=f"{MODEL}/{REGULARISER}",
        meaning="what regulariser(tensors) of the host's regulariser.py finds",
    ),
    Quantity(
        name="validation_loss", noun="validation loss", unit="nats", goal=Goal.MINIMISE,
        column="validation/loss",
        meaning="mean loss over the validation split, in evaluation mode",
    ),
    Quantity(
        name="validation_bits", noun="validation loss in bits", unit="bits", goal=Goal.MINIMISE,
        column="validation/loss", factor=1 / math.log(2),
        meaning=(
            "mean loss over the validation split, in evaluation mode, in bits for each example: "
            "where the loss is a negative log-likelihood, what it takes to send the targets"
        ),
    ),
    Quantity(
        name="test_loss", noun="test loss", unit="nats", goal=Goal.MINIMISE,
        column="test/loss",
        meaning="mean loss over the test split, in evaluation mode",
    ),
    Quantity(
        name="validation_metric", noun="validation metric", unit="1", goal=None,
        bound="target", column="validation/{metric}",
        meaning="the workload's metric on its validation split",
    ),
    Quantity(
        name="test_metric", noun="test metric", unit="1", goal=None,
        bound="test_target", column="test/{metric}",
        meaning="the workload's metric on its test split",
    ),
)


@lru_cache(maxsize=1)
def _offered() -> tuple[dict[str, tuple[Quantity, EntryPoint]], dict[str, BrokenPackage]]:
    """By installed packages: what can be loaded, and what cannot, by name."""
    found: dict[str, tuple[Quantity, EntryPoint]] = {}
    broken: dict[str, BrokenPackage] = {}
    for entry in entry_points(group="mlgolf.quantities"):
        try:
            declared = load_entry(entry, Quantity)
        except BrokenPackage as error:
            broken[entry.name] = error
            continue
        if declared.name in {**_OF_EVERY_TRIAL, **found}:
            raise RulesError(
                f"the quantity {declared.name!r} is declared twice, the second time by "
                f"{entry.value}; uninstall one of the packages"
            )
        found[declared.name] = declared, entry
    return found, broken


@lru_cache(maxsize=1)
def quantities() -> Mapping[str, Quantity]:
    """All that are declared, here and by installed packages, by name; not those that are broken.

    Raises: RulesError for a name that is declared twice.
    """
    offered = (declared for declared, _ in _offered()[0].values())
    return _by_name(*_OF_EVERY_TRIAL.values(), *offered)


def broken_quantities() -> Mapping[str, BrokenPackage]:
    """Those of installed packages that cannot be loaded: the name of the entry point -> why."""
    return MappingProxyType(_offered()[1])


def declared_by(name: str) -> str:
    """The object that declares a quantity, and whose it is; empty for those of every trial."""
    return named(_offered()[0][name][1]) if name in _offered()[0] else ""


def quantity(name: str) -> Quantity:
    """The declared quantity of that name.

    Raises: UnknownName, with all that are declared; BrokenPackage if it cannot be loaded.
    """
    if name in _OF_EVERY_TRIAL:
        return _OF_EVERY_TRIAL[name]
    if name in quantities():
        return quantities()[name]
    if name in broken_quantities():
        raise broken_quantities()[name]
    raise UnknownName(
        "quantity", name, known=quantities(),
        remedy="Others come with packages: install the one that declares it.",
    )


def value_in(declared: Quantity, parameters: Mapping[str, NDArray]) -> float:
    """What its `measure` finds. Raises: RulesError if that raises, or gives no number."""
    assert declared.measure is not None
    try:
        found: Any = declared.measure(parameters)
    except Exception as error:
        line = extract_tb(error.__traceback__)[-1]
        why = f"raised {type(error).__name__}: {error} ({line.filename}:{line.lineno})"
        raise _bad_measure(declared, why) from error
    is_scalar = isinstance(found, np.ndarray | np.generic) and found.ndim == 0
    number = found.item() if is_scalar else found
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _bad_measure(declared, f"gave a {type(found).__name__}, expected one number")
    return float(number)


def _bad_measure(declared: Quantity, why: str) -> RulesError:
    whose = ", ".join(filter(None, [f"quantity {declared.name!r}", declared_by(declared.name)]))
    return RulesError(
        f"{whose}: its measure {why}. This says nothing about the submission. Fix the measure, "
        "then resume the run."
    )
