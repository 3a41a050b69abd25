"""Which runs and trials are wanted, and in which order."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from typing import Any

from mlgolf.analysis.tracking.rows import OBJECTIVE, RunRow, TrialRow, goal_of, with_trials
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.core.quantities import quantities
from mlgolf.core.target import Goal

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "==": operator.eq,
    ">": operator.gt, "<": operator.lt, "=": operator.eq,
}
_CONDITION = re.compile(r"\s*([^<>=!]+?)\s*(>=|<=|!=|==|>|<|=)\s*(.*?)\s*")
FACTS = ("status", "seed", "study", "number", "metric", "reached")  # of a trial
ORDERS = ("begun", "run", "trials")  # besides quantities


@dataclass(frozen=True, slots=True)
class Condition:
    """Of a hyperparameter, a quantity, or one of `FACTS`: learning_rate >= 0.01."""

    name: str
    sign: str
    value: str

    def holds(self, row: TrialRow) -> bool:
        """A trial that has nothing of that name does not fulfil it."""
        found = self.of(row)
        if found is None:
            return False
        wanted = _as_number(self.value)
        if _is_number(found) and wanted is not None:
            return _OPERATORS[self.sign](found, wanted)
        if self.orders and (_is_number(found) or wanted is not None):
            return False  # a number is neither above nor below a word
        texts = str(found), self.value
        if isinstance(found, bool):
            texts = str(found).lower(), self.value.lower()
        return _OPERATORS[self.sign](*texts)

    @property
    def orders(self) -> bool:
        return self.sign not in ("=", "==", "!=")

    def of(self, row: TrialRow) -> Any:
        """What it is about, of a trial; None if that has none."""
        if self.name in row.hyperparameters:
            return row.hyperparameters[self.name]
        if self.name in FACTS:
            return getattr(row, self.name)
        return row.values.get(self.name)

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {self.value}"


def _as_number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return None if math.isnan(found) else found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_condition(text: str) -> Condition:
    """Raises: ScoringError."""
    found = _CONDITION.fullmatch(text)
    if found is None or not found[3]:
        raise ScoringError(
            f"--where: found {text!r}, expected a name, one of {', '.join(_OPERATORS)} and a "
            "value, such as 'learning_rate>=0.01'"
        )
    return Condition(*found.groups())


def parse_day(text: str, option: str, *, last: bool = False) -> datetime:
    """A day, 2026-11-29, or a moment in ISO 8601; in UTC unless it says otherwise.

    Args: last: a day means its end. Raises: ScoringError.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ScoringError(
            f"{option}: found {text!r}, expected a day such as 2026-11-29, or a moment such as "
            "2026-11-29T18:00"
        ) from None
    if last and len(text) <= len("2026-11-29"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Names may have * and ?; empty: all."""

    workloads: Sequence[str] = ()
    submissions: Sequence[str] = ()
    frameworks: Sequence[str] = ()
    competitions: Sequence[str] = ()
    where: Sequence[Condition] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def asks_for_nothing(self) -> bool:
        return self == Selection()

    def of(self, rows: Iterable[RunRow]) -> list[RunRow]:
        """Runs with those of their trials that fulfil everything; what has none is left out.

        What is no run, or cannot be read, is kept where nothing is asked for.
        Raises: UnknownName for a condition on what no trial has; ScoringError for one that compares
          numbers with a word.
        """
        rows = [*rows]
        self._check_conditions(rows)
        if self.asks_for_nothing:
            return rows
        return [kept for row in rows if (kept := self._run(row)) is not None]

    def _run(self, row: RunRow) -> RunRow | None:
        if row.found.folder is None or not self._is_in_time(row.begun):
            return None
        if not _named(row.found.folder.competition.name, self.competitions):
            return None
        kept = [trial for trial in row.trials if self._wants(trial)]
        of_trials = (self.workloads, self.submissions, self.frameworks, self.where)
        return with_trials(row, kept) if kept or not any(of_trials) else None

    def _is_in_time(self, begun: datetime | None) -> bool:
        if self.since is None and self.until is None:
            return True
        if begun is None:
            return False
        return (self.since is None or begun >= self.since) and (
            self.until is None or begun <= self.until
        )

    def _wants(self, trial: TrialRow) -> bool:
        return (
            _named(trial.workload, self.workloads) and _named(trial.submission, self.submissions)
            and _named(trial.framework, self.frameworks)
            and all(condition.holds(trial) for condition in self.where)
        )

    def _check_conditions(self, rows: Sequence[RunRow]) -> None:
        trials = [trial for row in rows for trial in row.trials]
        known = {*FACTS, OBJECTIVE, *quantities()}
        known |= {name for trial in trials for name in trial.hyperparameters}
        for condition in self.where:
            if condition.name not in known and trials:
                raise UnknownName(
                    "hyperparameter or quantity", condition.name, known=known,
                    remedy="No trial has a hyperparameter of that name.",
                )
            found = [value for trial in trials if (value := condition.of(trial)) is not None]
            if _as_number(condition.value) is None and found and all(map(_is_number, found)):
                raise ScoringError(
                    f"--where: found {condition.value!r} for {condition.name}, which is a number "
                    f"in every trial, such as {found[0]:g}; give a number"
                )


def _named(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def check_order(name: str) -> None:
    """Raises: UnknownName."""
    known = (*ORDERS, OBJECTIVE, *quantities())
    if name not in known:
        raise UnknownName("order", name, known=known)


def ordered(rows: Sequence[RunRow], by: str | None, *, reverse: bool = False) -> list[RunRow]:
    """By a quantity, best first, or by `ORDERS`; what has no value comes last either way."""
    if by == "run":
        return sorted(rows, key=lambda row: row.path, reverse=reverse)
    if by in (None, "begun", "trials"):  # the latest, or the largest, first
        found = (lambda row: float(len(row.trials))) if by == "trials" else _begun
        return _by_value(rows, found, lambda _: -1.0, reverse=reverse)
    return _by_value(
        rows, lambda row: row.value(by), lambda row: _cost_sign(by, row.trials), reverse=reverse
    )


def trials_ordered(
    rows: Sequence[TrialRow], by: str | None, *, reverse: bool = False
) -> list[TrialRow]:
    """As `ordered`, of trials; by the order of runs and trials unless a quantity is named."""
    if by is None or by in ORDERS:
        return list(reversed(rows)) if reverse else [*rows]
    return _by_value(
        rows, lambda row: row.values.get(by), lambda row: _cost_sign(by, [row]), reverse=reverse
    )


def _by_value(rows, value, sign, *, reverse: bool):
    def key(row: Any) -> float:
        found = value(row)
        if found is None or math.isnan(found):
            return math.inf
        return found * sign(row) * (-1 if reverse else 1)

    return sorted(rows, key=key)


def _cost_sign(name: str, trials: Sequence[TrialRow]) -> float:
    return goal_of(name, trials[0]).sign if trials else Goal.MINIMISE.sign


def _begun(row: RunRow) -> float | None:
    return row.begun.timestamp() if row.begun else None
