"""Search spaces: AlgoPerf's tuning_search_space.json, checked on reading.

    {"learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},   a Box: points are drawn
     "dropout_rate": {"feasible_points": [0.0, 0.1]}}
    [{"learning_rate": 0.001, "dropout_rate": 0.1}, ...]              an OptList: points as listed

A number alone, `"beta2": 0.999`, is a mistake in the first form: write it as one feasible point.
Source of the format: facts of mlcommons/algorithmic-efficiency, algoperf/halton.py.
"""

import json
import keyword
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SearchSpaceError
from mlgolf.core.text import enumerated
from mlgolf.tuning.optlist import OptList, check_value, parse_optlist


class Scaling(StrEnum):
    """In which measure of an interval points are spread evenly."""

    LINEAR = "linear"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A continuous hyperparameter, both ends included. With LOG scaling both are positive."""

    low: float
    high: float
    scaling: Scaling

    @property
    def is_free(self) -> bool:
        """Whether it has more than one value."""
        return self.low < self.high

    def at(self, u: float) -> float:
        """The value a share `u` in [0, 1) of the way up; never outside the interval."""
        if self.scaling is Scaling.LOG:
            value = math.exp((1 - u) * math.log(self.low) + u * math.log(self.high))
        else:
            value = (1 - u) * self.low + u * self.high
        return min(max(value, self.low), self.high)  # rounding may step over an end


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A discrete hyperparameter: any JSON values, equally likely."""

    feasible_points: tuple[Any, ...]

    @property
    def is_free(self) -> bool:
        """Whether it has more than one value."""
        return any(value != self.feasible_points[0] for value in self.feasible_points)

    def at(self, u: float) -> Any:
        """The point in whose equal share of [0, 1) `u` lies."""
        return self.feasible_points[int(u * len(self.feasible_points))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The product of named dimensions, in the order of the file."""

    dimensions: Mapping[str, Interval | Choice]

    def at(self, unit_point: list[float]) -> dict[str, Any]:
        """The hyperparameter point that a point of the unit cube stands for."""
        pairs = zip(self.dimensions.items(), unit_point, strict=True)
        return {name: dimension.at(u) for (name, dimension), u in pairs}

    def shortfall(self, count: int) -> str | None:
        """What to tell the contestant where `count` trials are all at one point, or None."""
        if count == 1 or any(dimension.is_free for dimension in self.dimensions.values()):
            return None
        return (
            f"the search space has 1 point, not tuned: all {count} trials of a study play it. Give "
            "a hyperparameter a range, or play with --trials 1."
        )


SearchSpace = Box | OptList


def read_search_space(path: Path) -> SearchSpace:
    """The search space in a file. Raises: SearchSpaceError naming file, key and mistake."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text, object_pairs_hook=_no_repeated_keys)
    except OSError as error:
        raise SearchSpaceError(
            f"{path}: {error.strerror}. External tuning needs a tuning_search_space.json."
        ) from None
    except json.JSONDecodeError as error:
        raise SearchSpaceError(
            f"{path}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:  # not UTF-8, or a repeated key
        raise SearchSpaceError(f"{path}: {error}") from None
    return parse_search_space(data, source=str(path))


def parse_search_space(data: Any, source: str = "search space") -> SearchSpace:
    """The same from parsed JSON. `source` names it in errors."""
    match data:
        case dict():
            _check_names(data, source)
            parsed = {key: _parse_dimension(d, f"{source}: {key}") for key, d in data.items()}
            return Box(dimensions=parsed)
        case list():
            optlist = parse_optlist(data, source)
            _check_names(data[0], source)
            return optlist
    raise SearchSpaceError(
        f"{source}: found {type(data).__name__}, expected an object (hyperparameter to range) or "
        "a list of points."
    )


def _no_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated!r} stands twice in one object. Keep one of them.")
    return found


def _check_names(names: Mapping[str, Any], source: str) -> None:
    # Submissions read hyperparameters as attributes: hyperparameters.learning_rate.
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise SearchSpaceError(
                f"{source}: {name!r} cannot name a hyperparameter. Names are Python identifiers, "
                "no keywords, and do not start with an underscore."
            )


def _parse_dimension(data: Any, where: str) -> Interval | Choice:
    keys = set(data) if isinstance(data, dict) else None
    if keys == {"feasible_points"}:
        return _parse_choice(data["feasible_points"], where)
    if keys == {"min", "max", "scaling"}:
        return _parse_interval(data["min"], data["max"], data["scaling"], where)
    raise SearchSpaceError(
        f'{where}: found {data!r}, expected {{"min": …, "max": …, "scaling": "linear" or "log"}} '
        'or {"feasible_points": […]}, with these keys and no others.'
    )


def _parse_choice(points: Any, where: str) -> Choice:
    if not isinstance(points, list) or not points:
        raise SearchSpaceError(
            f"{where}: feasible_points: found {points!r}, expected a list of at least one value."
        )
    for number, value in enumerate(points):
        check_value(value, f"{where}: feasible_points: {number}")
    return Choice(feasible_points=tuple(points))


def _parse_interval(low: Any, high: Any, scaling: Any, where: str) -> Interval:
    for key, value in (("min", low), ("max", high)):
        if type(value) not in (int, float) or not math.isfinite(value):
            raise SearchSpaceError(f"{where}: {key}: found {value!r}, expected a finite number.")
    if scaling not in list(Scaling):
        raise SearchSpaceError(
            f"{where}: scaling: found {scaling!r}, allowed are {enumerated(Scaling)}."
        )
    if low > high:
        raise SearchSpaceError(f"{where}: min {low!r} is above max {high!r}. Swap them.")
    if scaling == Scaling.LOG and low <= 0:
        raise SearchSpaceError(
            f"{where}: min: found {low!r}, but log scaling needs a min above 0. "
            "Raise min, or use linear scaling."
        )
    return Interval(low=float(low), high=float(high), scaling=Scaling(scaling))
