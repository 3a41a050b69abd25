"""A measure that the host of a competition writes: `regulariser.py`, beside its competition.toml.

The host is trusted, so the referee runs it. Its text is part of the rules, and hashed with them.
Which of a model's parameters are measured is a rule, too.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import RulesError
from mlgolf.core.quantities import REGULARISER, Measure, Quantity
from mlgolf.core.rules import Rules

FILE = "regulariser.py"


def measured_by(rules: Rules, declared: Quantity) -> Quantity:
    """The same, with the measure that the rules bring along if it is that.

    Raises: RulesError as `host_measure`.
    """
    if declared.name != REGULARISER or rules.regulariser is None:
        return declared
    return replace(declared, column="", measure=host_measure(rules.regulariser))


def scored(rules: Rules, parameters: Mapping[str, NDArray]) -> Mapping[str, NDArray]:
    """Those that quantities of the model are measured on."""
    if rules.scored == "all":
        return parameters
    return {name: array for name, array in parameters.items() if array.ndim > 1}


@lru_cache(maxsize=16)
def host_measure(source: str) -> Measure:
    """Its function `regulariser(tensors)`: arrays by name in, one number out.

    Raises: RulesError if the text does not run, or has no such function.
    """
    names: dict[str, Any] = {"__name__": "regulariser"}
    try:
        exec(compile(source, FILE, "exec"), names)
    except Exception as error:
        line = getattr(error, "lineno", None) or _line_of(error)
        raise RulesError(f"{FILE}, line {line}: {type(error).__name__}: {error}") from error
    found = names.get("regulariser")
    if not callable(found):
        raise RulesError(
            f"{FILE} has no function regulariser(tensors); it takes arrays by name and returns a "
            "number"
        )

    def measure(parameters: Mapping[str, NDArray]) -> float:
        if not all(np.isfinite(array).all() for array in parameters.values()):
            return math.nan  # a contestant's NaN is no fault of the host's
        value: Any = found(dict(parameters))
        return value  # `value_in` says so where that is no number

    return measure


def _line_of(error: Exception) -> int | str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_lineno if trace is not None else "?"
