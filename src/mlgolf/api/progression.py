"""Progress: how much less a fixed result takes than years ago, and how fast that goes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.analysis.progress.history import ESTIMATOR, INTERVAL, History
from mlgolf.analysis.progress.language_models import LossHistory
from mlgolf.analysis.progress.of_runs import histories_of_runs
from mlgolf.analysis.progress.of_tables import Choice, Histories, histories_of_table
from mlgolf.analysis.progress.published import READINGS, Reading
from mlgolf.analysis.progress.table import Columns
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RunFolderError
from mlgolf.core.jury_ruling import check_rulings_are_of_runs
from mlgolf.data.tables import table_or_file
from mlgolf.plots.heading import Heading
from mlgolf.plots.progress import COLUMNS, progress_charts, progress_table
from mlgolf.plots.theme import Style
from mlgolf.report.progress import lines, reading, tables, title
from mlgolf.results.measurement_table import SUFFIXES

NAME = "progress"  # of its files


class Progression(Saved):
    """The record over time of one or several targets. It displays itself, as text or in a notebook.
    """

    _name, _columns = NAME, COLUMNS

    def __init__(self, found: Histories) -> None:
        self.found = found

    @property
    def histories(self) -> tuple[History | LossHistory, ...]:
        return self.found.histories

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per entry: target, quantity, name, date, amount, factor, and whether it held the
        record.
        """
        return pl.DataFrame([
            {
                "target": history.entries.target, "quantity": history.quantity, "name": name,
                "date": history.entries.dates[row], "amount": float(history.entries.amounts[row]),
                "factor": _first(history) / float(history.entries.amounts[row]),
                "record": bool(history.held[row]),
            }
            for history in self.histories for row, name in enumerate(history.entries.names)
        ])

    def as_json(self) -> dict[str, Any]:
        """Of the first target; of all under "targets" where there are several."""
        each = [_json(history) for history in self.histories]
        told = {**each[0], "notes": [*each[0]["notes"], *self.found.notes]}
        return told if len(each) == 1 else {**told, "targets": each}

    def _figure_table(self) -> pl.DataFrame:
        return progress_table(self.histories)

    @property
    def charts(self) -> list[Any]:
        """A panel for each target."""
        names = tuple(dict.fromkeys(name for h in self.histories for name in h.frontier))
        return progress_charts(
            self.histories, progress_table(self.histories), Style(submissions=names)
        )

    def _panels(self) -> Sequence[Any]:
        return self.charts

    def _heading(self) -> Heading:
        return Heading(title=title(self.found), reading=reading(self.found))

    def _tables(self) -> Iterable[Table]:
        return tables(self.found)

    def _lines(self) -> Iterable[str]:
        return lines(self.found)


@disk_errors_told()
def progress(
    source: AnyPath, *more: AnyPath, date: str | None = None, compute: str | None = None,
    target: str | Sequence[str] = (), columns: Mapping[str, str] | None = None,
    parts: Mapping[str, str] | None = None, baseline: str | None = None, since: str | None = None,
    until: str | None = None, within_a_year: bool = False, physical_growth: float | None = None,
    confidence: float = CONFIDENCE, rulings: AnyPath | None = None,
) -> Progression:
    """Compute, time, energy or money to a fixed result, over the years.

    Args:
      source, more: one table (.csv, .parquet) or the name of one that ships ("hernandez_brown",
        "lm_progress"); or run folders of one competition.
      date, compute: what the table calls these columns. Of runs, `compute` is a quantity: their
        objective, "time" or "dollars".
      target: which of the table's targets, or of the workloads of runs; all, unless given.
      columns: further columns by what they are: name, target, loss (log perplexity), unit,
        other_date, other_compute, reported, reached, ended, easier, final, wanted.
      parts: what amounts are made of, name -> column, or "/column" where they are divided by it.
      baseline: the entry that factors count from; the first, unless given.
      since, until: dates, both included.
      within_a_year: whether a trend may rest on entries of one year.
      physical_growth: by what factor the compute that was spent grew, for effective compute.
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.
    Raises: MLGolfError for what cannot be read or has no trend.
    """
    checked_confidence(confidence)
    targets = (target,) if isinstance(target, str) else tuple(target)
    given = {name: value for name, value in (columns or {}).items() if value}
    choice = Choice(
        targets=targets, baseline=baseline, since=since, until=until, confidence=confidence,
        within_a_year=within_a_year, physical_growth=physical_growth,
    )
    sources = [source, *more]
    if _are_runs(sources):
        _check_no_columns({
            "date": date, **given, "part": parts, "since": since, "until": until,
            "physical_growth": physical_growth,
        })
        return Progression(histories_of_runs(
            [Path(one) for one in sources], workloads=targets, baseline=baseline,
            quantities=(compute,) if compute else (), confidence=confidence,
            rulings=None if rulings is None else Path(rulings),
        ))  # fmt: skip
    check_rulings_are_of_runs(rulings, source)
    if more:
        raise RunFolderError(f"found {len(sources)} tables; progress takes one, or run folders")
    path = table_or_file(Path(source))
    asked = {**given, "date": date, "compute": compute, "parts": parts}
    changes = {name: value for name, value in asked.items() if value}
    known = READINGS.get(str(source), Reading(columns=Columns()))
    return Progression(histories_of_table(path, _changed(known, changes), choice))


def _are_runs(sources: Sequence[AnyPath]) -> bool:
    return all(
        Path(source).is_dir() or ("/" in str(source) and Path(source).suffix not in SUFFIXES)
        for source in sources
    )


def _check_no_columns(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value:
            raise RunFolderError(
                f"--{name.replace('_', '-')}: found {value!r}; it is for tables. Runs know their "
                "dates, and what they are measured in"
            )


def _changed(published: Reading, changes: Mapping[str, Any]) -> Reading:
    """With the columns that a user named, for all targets. What is another check is dropped."""
    def with_changes(columns: Columns) -> Columns:
        changed = replace(columns, **changes)
        same = {
            other: None for name, other in (("date", "other_date"), ("compute", "other_compute"))
            if getattr(changed, name) == getattr(changed, other)
        }
        return replace(changed, **same)

    known = {field.name for field in fields(Columns)}
    if unknown := [name for name in changes if name not in known]:
        raise RunFolderError(
            f"columns: found {unknown[0]!r}, allowed are {', '.join(sorted(known))}"
        )
    return replace(
        published, columns=with_changes(published.columns),
        of_targets={name: with_changes(own) for name, own in published.of_targets.items()},
    )


def _first(history: History | LossHistory) -> float:
    """The amount that factors count from; NaN where entries reach different losses."""
    if isinstance(history, LossHistory):
        return math.nan
    return float(history.entries.amounts[history.held][0])


def _json(history: History | LossHistory) -> dict[str, Any]:
    if isinstance(history, LossHistory):
        return _loss_json(history)
    entries = history.entries
    told = history.with_trend
    return {
        "target": entries.target, "quantity": history.quantity, "entries": len(entries),
        "baseline": history.baseline, "best": history.best, "factor": history.factor,
        "years": history.span, "years_of_entries": history.span_of_entries,
        "doubling_months": history.doubling_months if told else None,
        "interval": [*history.interval], "confidence": history.confidence,
        "estimator": ESTIMATOR, "interval_by": INTERVAL,
        "corrected_doubling_months": history.corrected_months if told else None,
        "end_point_doubling_months": history.end_point_months if told else None,
        "regression_interval": [*history.regression_interval] if told else [None, None],
        "leave_one_out": [asdict(one) for one in history.left_out],
        "factor_by_evaluation_spacing": [*history.factor_by_spacing],
        "factor_at_easier_target": history.factor_at_easier,
        "frontier": [*history.frontier],
        "records": [
            {
                "name": entries.names[row], "date": entries.dates[row],
                "amount": float(entries.amounts[row]), "factor": factor,
            }
            for row, factor in zip(history.record_rows, history.factors, strict=True)
        ],
        "decomposition": [
            {"name": step.entry, "factor": step.factor, "parts": dict(step.parts)}
            for step in history.steps
        ],
        "effective_compute": None if history.effective is None else {
            **asdict(history.effective), "factor": history.effective.factor,
        },
        "flags": [asdict(flag) for flag in history.flags], "notes": [*history.notes],
    }  # fmt: skip


def _loss_json(history: LossHistory) -> dict[str, Any]:
    fit = history.fit
    return {
        "target": history.entries.target, "quantity": history.quantity,
        "entries": len(history.entries), "factor": fit.factor, "years": fit.span,
        "doubling_months": fit.doubling_months, "interval": [*fit.interval],
        "confidence": history.confidence,
        "estimator": "least squares of log perplexity = c - g ln(compute) - d years",
        "interval_by": "Fieller's, with a bootstrap over entries", "c": fit.intercept,
        "g": fit.gain, "d": fit.yearly, "residual": fit.residual,
        "frontier": [*history.frontier], "flags": [], "notes": [*history.notes],
    }  # fmt: skip
