"""Several sources as one table: runs of other budgets, or a program before and after a change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from mlgolf.analysis.curves.measurements import Measurements, grouped
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal
from mlgolf.results.measurement_table import PLACE

BASE, CHANGE = "base", "change"


def together(parts: Sequence[tuple[Measurements, Goal]]) -> tuple[Measurements, Goal]:
    """Runs of different rules, such as other budgets, each measured by its own; methods by name.

    Raises: ScoringError for what was measured otherwise, is there twice, or has the name of
      something else.
    """
    first, goal = parts[0]
    if len(parts) == 1:
        return parts[0]
    for other, its_goal in parts[1:]:
        _check_alike(first, other, (goal, its_goal))
    rows = pl.concat([_with_path(part) for part, _ in parts], how="diagonal")
    _check_once(rows)
    _check_same(rows, "method", "code", "Rename the file or folder of one")
    _check_same(rows, "budget", "bounds", "Compare runs of one competition")
    notes = _notes({str(part.path): part for part, _ in parts})
    return replace(first, rows=grouped(rows.drop("point")), notes=notes), goal


def base_and_change(
    base: Measurements, change: Measurements, *, goals: tuple[Goal, Goal]
) -> Measurements:
    """Both together, called after the file of the change, which is judged.

    Args: goals: of either's quality.

    Raises: ScoringError for several methods in one of them, or for what was measured otherwise.
    """
    _check_alike(base, change, goals)
    rows = [_called(base, BASE), _called(change, CHANGE)]
    return replace(
        base, path=change.path, rows=pl.concat(rows, how="diagonal"),
        notes=_notes({BASE: base, CHANGE: change}),
    )


def _check_alike(one: Measurements, other: Measurements, goals: tuple[Goal, Goal]) -> None:
    for kind, before, after in (
        ("quality", one.quality, other.quality), ("time", one.time, other.time), ("goal", *goals),
    ):  # fmt: skip
        if before != after:
            raise ScoringError(
                f"{one.path} and {other.path}: found the {kind} {before} and {after}; what is "
                "compared is measured alike. Give runs of one competition, or two tables"
            )


def _notes(parts: Mapping[str, Measurements]) -> tuple[str, ...]:
    """Of all parts together; what is of some alone begins with their names."""
    named: dict[str, list[str]] = {}
    for name, part in parts.items():
        for note in part.notes:
            named.setdefault(note, []).append(name)
    return tuple(
        note if len(names) == len(parts) else f"{', '.join(names)}: {note}"
        for note, names in named.items()
    )


def _called(found: Measurements, name: str) -> pl.DataFrame:
    """The rows of its one method, under another name."""
    methods = [*found.points]
    if len(methods) != 1:
        raise ScoringError(
            f"{found.path}: found the methods {', '.join(methods)}; a change is compared with one "
            "method before and one after. Keep the rows of one"
        )
    return found.rows.with_columns(method=pl.lit(name))


def _with_path(part: Measurements) -> pl.DataFrame:
    return part.rows.with_columns((pl.lit(f"{part.path}: ") + pl.col(PLACE)).alias(PLACE))


def _check_once(rows: pl.DataFrame) -> None:
    key = ["method", "budget", "seed"]
    again = rows.filter(pl.struct(key).is_duplicated()).sort(key, maintain_order=True)
    if len(again):
        first, second = again[PLACE].head(2)
        method, budget, study = again.select(key).row(0)
        raise ScoringError(
            f"{first} and {second}: found study {study} of {method} at {budget} twice. Give one of "
            "these runs, or rename the file or folder of one"
        )


def _check_same(rows: pl.DataFrame, key: str, column: str, remedy: str) -> None:
    """Raises: ScoringError for one name of two things."""
    found = rows.unique([key, column], keep="first", maintain_order=True)
    apart = found.filter(pl.col(key).is_duplicated()).sort(key, maintain_order=True)
    if len(apart):
        first, second = apart[PLACE].head(2)
        raise ScoringError(
            f"{first} and {second}: found different {column} of the {key} {apart[key][0]}. {remedy}"
        )
