"""Trade-off curves: whether a change gives better quality for the time, and by how much."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import polars as pl

from mlgolf.analysis.curves.changes import BASE, base_and_change, together
from mlgolf.analysis.curves.comparison import Comparison, compared
from mlgolf.analysis.curves.measurements import Measurements, read_table
from mlgolf.analysis.curves.monotone import Interpolation
from mlgolf.analysis.curves.pareto import Axis, parse_axes
from mlgolf.analysis.curves.run_measurements import PointChoice, measurements_of_runs
from mlgolf.analysis.curves.tradeoff import Verdict
from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import DifferentRules, ScoringError, UnknownName
from mlgolf.core.jury_ruling import check_rulings_are_of_runs
from mlgolf.core.target import Goal
from mlgolf.core.text import number_of
from mlgolf.plots.heading import Heading, unfair_notice
from mlgolf.plots.theme import Style
from mlgolf.plots.tradeoff import COLUMNS, in_panels, tradeoff_charts, tradeoff_table
from mlgolf.plots.tradeoff_axes import losses_are_wide
from mlgolf.report.tradeoff import (
    CURVE_HEADS,
    HEADS,
    curve_rows,
    heading,
    lines,
    markdown,
    point_rows,
    title,
    told,
    verdicts,
)
from mlgolf.results.measurement_table import SUFFIXES
from mlgolf.scoring.sources import Source, open_source

NAME = "tradeoff"  # of its files


class TradeOff(Saved):
    """Methods against a baseline. It displays itself, as text or in a notebook."""

    _name, _columns = NAME, COLUMNS

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per point that was judged; NaN where the baseline has nothing to compare."""
        return pl.DataFrame([
            {
                **point, "speedup_low": point["speedup_interval"][0],
                "speedup_high": point["speedup_interval"][1],
                "quality_gain_low": point["quality_gain_interval"][0],
                "quality_gain_high": point["quality_gain_interval"][1],
            }
            for point in self.as_json()["points"]
        ]).drop("speedup_interval", "quality_gain_interval", strict=False)

    @property
    def is_worse(self) -> bool:
        """Whether a whole curve is beyond chance, or a point where no curve tells."""
        return Verdict.WORSE in verdicts(self.comparison)

    def as_json(self) -> dict[str, Any]:
        found = self.comparison
        return {
            "baseline": found.baseline, "goal": found.goal.value, "confidence": found.confidence,
            "points": [
                {
                    "method": judged.point.method, "time": judged.point.time,
                    "quality": judged.point.quality, "runs": judged.point.runs,
                    "verdict": judged.verdict.value,
                    "verdict_by": found.verdict_by(judged.point.method), "speedup": judged.speedup,
                    "speedup_interval": [*judged.speedup_interval],
                    "quality_gain": judged.quality_gain,
                    "quality_gain_interval": [*judged.quality_gain_interval],
                }
                for judged in found.points
            ],
            "curves": [
                {
                    "method": compared.method, "average_speedup": compared.average_speedup,
                    "interval": [*compared.interval], "verdict": compared.verdict.value,
                    "verdict_by": found.verdict_by(compared.method),
                    "shared_quality": [*compared.shared],
                    "crosses_at": [crossing._asdict() for crossing in compared.crosses_at],
                }
                for compared in found.curves
            ],
            "pareto_front": [
                {
                    "method": point.method, "time": point.time, "quality": point.quality,
                    **{
                        axis.name: value
                        for axis, value in zip(found.table.axes, point.on_axes, strict=True)
                    },
                }
                for point in found.front
            ],
            "pareto_axes": [
                {"name": axis.name, "goal": axis.goal.value} for axis in (
                    found.table.axes or (Axis("time", Goal.MINIMISE), Axis("quality", found.goal))
                )
            ],
            "unfair": [*found.unfair], "notes": [*found.notes],
        }  # fmt: skip

    def _figure_table(self) -> pl.DataFrame:
        return self._drawn_table

    @property
    def charts(self) -> list[Any]:
        """One, or one for each of many methods."""
        found = self.comparison
        return tradeoff_charts(
            self._drawn_table, self._style, time=found.table.time, quality=found.table.quality,
            goal=found.goal, told=told(found),
        )

    @cached_property
    def _drawn_table(self) -> pl.DataFrame:
        return tradeoff_table(self.comparison)

    @property
    def _style(self) -> Style:
        found = self.comparison
        return Style(submissions=(found.baseline, *found.methods), baseline=found.baseline)

    def _heading(self) -> Heading:
        table = self._drawn_table
        return heading(
            self.comparison, panels=in_panels(table, self._style),
            log=losses_are_wide(table, self.comparison.goal),
        )

    def _notice(self) -> str:
        return unfair_notice(self.comparison.unfair)  # before anything is drawn

    def markdown(self, figure: str = "") -> str:
        """For a comment on a change. Args: figure: where the comment finds it."""
        return markdown(self.comparison, figure)

    def _panels(self) -> Sequence[Any]:
        return self.charts

    def _tables(self) -> Iterable[Table]:
        found = [
            (title(self.comparison), HEADS, point_rows(self.comparison)),
            ("whole curves", CURVE_HEADS, curve_rows(self.comparison)),
        ]
        return (one for one in found if one[-1])

    def _lines(self) -> Iterable[str]:
        return lines(self.comparison)


@disk_errors_told()
def curve(
    *paths: AnyPath, baseline: str | None = None, time: str | None = None,
    quality: str | None = None, goal: str | None = None,
    interpolation: Interpolation = "pchip", confidence: float = CONFIDENCE,
    workload: str | None = None, points: PointChoice | None = None, unfair: bool = False,
    pareto: str | None = None, rulings: AnyPath | None = None,
) -> TradeOff:
    """Judge methods by the baseline's curve of quality against time.

    Args:
      paths: one table (.csv, .parquet; columns method, time, quality, and seed if there are
        several), or run folders.
      baseline: the method that has several budgets; the first, unless given.
      time, quality: what the table calls these columns.
      goal: maximise (unless given) or minimise the quality; runs know it.
      workload, points: of runs: which one, and whether each budget has the trial that is best
        there ("each"), or all share a point ("shared"); None: shared where a run was tuned at one.
      unfair: compare also what differs in more than the method, and say so.
      pareto: other quantities for the Pareto front: "energy:minimise,accuracy:maximise".
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.
    Raises: MLGolfError for what cannot be read or compared.
    """
    _check(interpolation, confidence)
    axes = parse_axes(pareto) if pareto else ()
    given = [Path(path) for path in paths]
    found, known = _measurements(given, time, quality, workload, points, axes, rulings)
    chosen, base = known if goal is None else _goal(goal), baseline or next(iter(found.points))
    if _is_table(paths):
        found = replace(found, notes=(
            *found.notes, _as_read(found, chosen, "" if baseline else base)
        ))  # fmt: skip
    elif not baseline:
        taken = f"the baseline is what was run first, {base} (--baseline)"
        found = replace(found, notes=(*found.notes, taken))
    return TradeOff(
        compared(
            found, base, chosen, interpolation=interpolation,
            confidence=confidence, allow_unfair=unfair,
        )
    )


@disk_errors_told()
def change(
    base: AnyPath, changed: AnyPath, *, time: str | None = None, quality: str | None = None,
    goal: str | None = None, workload: str | None = None, points: PointChoice | None = None,
    interpolation: Interpolation = "pchip", confidence: float = CONFIDENCE, unfair: bool = False,
    pareto: str | None = None, rulings: AnyPath | None = None,
) -> TradeOff:
    """Compare one program before and after a change: two tables or runs, one method in each.

    Raises: MLGolfError for what cannot be read or compared.
    """
    _check(interpolation, confidence)
    axes = parse_axes(pareto) if pareto else ()
    before, known = _measurements([Path(base)], time, quality, workload, points, axes, rulings)
    after, other = _measurements([Path(changed)], time, quality, workload, points, axes, rulings)
    both = base_and_change(before, after, goals=(known, other))
    chosen = known if goal is None else _goal(goal)
    if _is_table([base]):
        both = replace(both, notes=(*both.notes, _as_read(both, chosen)))
    return TradeOff(
        compared(
            both, BASE, chosen, interpolation=interpolation,
            confidence=confidence, allow_unfair=unfair,
        )
    )


def _check(interpolation: str, confidence: float) -> None:
    if interpolation not in get_args(Interpolation):
        raise UnknownName("interpolation", interpolation, known=get_args(Interpolation))
    checked_confidence(confidence)


def _measurements(
    paths: Sequence[Path], time: str | None, quality: str | None, workload: str | None,
    points: PointChoice | None, axes: Sequence[Axis], rulings: AnyPath | None,
) -> tuple[Measurements, Goal]:
    if _is_table(paths):
        check_rulings_are_of_runs(rulings, paths[0])
        return read_table(paths[0], time=time, quality=quality, axes=axes), Goal.MAXIMISE
    if not paths:
        raise ScoringError("curve: found no table and no run folder. Give one of them")
    if tables := [path for path in paths if path.suffix in SUFFIXES]:
        raise ScoringError(
            f"curve: found the table {tables[0]} beside {number_of(len(paths) - 1, 'other path')}. "
            "A table is read alone, with all methods in its column method; two of them, before "
            "and after a change, are compared by mlgolf curve --ci BASE CHANGE"
        )
    if time is not None:
        raise ScoringError(f"--time: found {time!r}; time of runs is the clock of their rules")
    split = quality or "validation"
    if split not in ("train", "validation", "test"):
        raise UnknownName("quality of runs", split, known=("train", "validation", "test"))
    return together([
        measurements_of_runs(
            path, source, workload=workload, split=split, points=points, axes=axes
        ) for path, source in _sources(paths, None if rulings is None else Path(rulings))
    ])


def _sources(paths: Sequence[Path], rulings: Path | None) -> list[tuple[Path, Source]]:
    """One of all runs, or one of each where their rules differ, as those of other budgets do."""
    def opened(*paths: Path) -> tuple[Path, Source]:
        return paths[0], open_source(paths, None, None, command="curve", rulings=rulings)

    try:
        return [opened(*paths)]
    except DifferentRules:
        return [opened(path) for path in paths]


def _is_table(paths: Sequence[AnyPath]) -> bool:
    return len(paths) == 1 and Path(paths[0]).suffix in SUFFIXES


def _as_read(found: Measurements, goal: Goal, first: str = "") -> str:
    """What was taken for granted of a table. Args: first: the baseline, if nobody named it."""
    said = (
        f"read as time: the column {found.time!r} (--time), as quality to {goal} (--goal): "
        f"{found.quality!r} (--quality)"
    )
    return f"{said}; the baseline is the first method, {first} (--baseline)" if first else said


def _goal(text: str) -> Goal:
    if text not in [*Goal]:
        raise UnknownName("goal", text, known=[*Goal])
    return Goal(text)
