"""A program before and after a change, as one table with the methods `base` and `change`."""

from dataclasses import replace

import polars as pl

from mlgolf.analysis.curves.measurements import Measurements
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal

BASE, CHANGE = "base", "change"


def base_and_change(
    base: Measurements, change: Measurements, *, goals: tuple[Goal, Goal]
) -> Measurements:
    """Both together, called after the file of the change, which is judged.

    Args: goals: of either's quality.

    Raises: ScoringError for several methods in one of them, or for what was measured otherwise.
    """
    for kind, before, after in (
        ("quality", base.quality, change.quality), ("time", base.time, change.time),
        ("goal", *goals),
    ):  # fmt: skip
        if before != after:
            raise ScoringError(
                f"{base.path} and {change.path}: found the {kind} {before} and {after}; a change "
                "and its base are measured alike. Give two runs of one competition, or two tables"
            )
    rows = [_called(base, BASE), _called(change, CHANGE)]
    notes = dict.fromkeys([*base.notes, *change.notes])
    return replace(
        base, path=change.path, rows=pl.concat(rows, how="diagonal"), notes=tuple(notes)
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
