"""How methods compare with their tuning counted in: curves of the best of k trials, and more."""

import math
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.analysis.tuning.curves import Statistic
from mlgolf.analysis.tuning.report import TuningReport, judge
from mlgolf.analysis.tuning.results import Metric
from mlgolf.analysis.tuning.sources import Asked, open_results
from mlgolf.api.results import AnyPath
from mlgolf.api.shown import Shown, Table
from mlgolf.core.disk import disk_errors_told, naming
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.plots.heading import Heading
from mlgolf.plots.saved import save_figure
from mlgolf.report.tuning import sentences, tables
from mlgolf.report.tuning_figures import COLUMNS, heading, tuning_figures
from mlgolf.results.run_names import latest_run

NAME = "tuning"  # of its page
MOST_SHOWN = 12  # panels in a notebook or a page


class Tuning(Shown):
    """What is known of methods and their tuning. It displays itself, as text or in a notebook."""

    def __init__(self, report: TuningReport) -> None:
        self.report = report

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row per method, workload and number of trials, with best, lower and upper."""
        return self.report.table()

    def _panels(self) -> Sequence[Any]:
        return next(tuning_figures(self.report)).panels[:MOST_SHOWN]

    def _heading(self) -> Heading:
        return heading(self.report)

    def _tables(self) -> Iterable[Table]:
        return ((found.title, found.heads, found.rows) for found in tables(self.report))

    def _lines(self) -> Iterable[str]:
        return sentences(self.report)

    @disk_errors_told()
    def save(self, folder: AnyPath) -> list[Path]:
        """Write each figure as SVG and PNG, light and dark, its table, and a page of the first."""
        path, written = Path(folder), []
        path.mkdir(parents=True, exist_ok=True)
        for figure in tuning_figures(self.report):
            name = re.sub(r"[^\w.-]", "_", figure.name)
            with naming(path):
                written += save_figure(
                    path, name, figure.panels, figure.table, COLUMNS, figure.heading
                )
        return [*written, self.write_page(path / f"{NAME}.html")]


@disk_errors_told()
def tuning_curves(
    *paths: AnyPath, goal: str | None = None, confidence: float = CONFIDENCE,
    quality: str | None = None, metric: str | None = None, statistic: str = "median",
    trials: int | None = None, bounds: tuple[float | None, float | None] = (None, None),
    competition: str | None = None, tuning: str | None = None, methods: Sequence[str] = (),
    workloads: Sequence[str] = (), transfers: Sequence[tuple[str, str]] = (),
    rulings: AnyPath | None = None,
) -> Tuning:
    """The best result expected of 1, 2, … trials by each method, with exact bands for all of them.

    Args:
      paths: a table (`method`, `quality`, perhaps `workload`, `study`, `point`, `time`), a table of
        AlgoPerf's results, run folders or a log tree; none: the latest run.
      goal, quality: of a table: "maximise" or "minimise", and its column of results.
      metric: "validation" or "time"; None: the table's results, or what the rules minimise.
      statistic: "median" or "mean" of the best.
      trials: how far curves go; None: as many as there are results.
      bounds: the least and the largest value that the metric can have.
      competition, tuning: which board of a table of AlgoPerf's.
      methods, workloads: those to compare; none: all.
      transfers: of a table: pairs of a workload and its variant.
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.
    Raises: MLGolfError for what is missing, of another kind, or does not go together.
    """
    checked_confidence(confidence)
    for kind, value, known in (
        ("goal", goal, [*Goal]), ("metric", metric, ["validation", "time"]),
        ("curve", statistic, ["median", "mean"]),
    ):  # fmt: skip
        if value is not None and value not in known:
            raise UnknownName(kind, value, known=known)
    low, high = (
        end if given is None else given
        for given, end in zip(bounds, (-math.inf, math.inf), strict=True)
    )
    if not low < high:
        raise ScoringError(f"bounds: found {low:g} and {high:g}, the first must be less")
    if trials is not None and trials < 1:
        raise ScoringError(f"trials: found {trials}, allowed is at least 1")
    asked = Asked(
        goal=Goal(goal) if goal else None, quality=quality, metric=_metric(metric),
        competition=competition, tuning=tuning, methods=methods, workloads=workloads,
        transfers=transfers, rulings=None if rulings is None else Path(rulings),
    )
    results = open_results([Path(path) for path in paths] or [latest_run()], asked)
    return Tuning(judge(
        results, confidence=confidence, trials=trials, statistic=_statistic(statistic),
        bounds=(low, high),
    ))


def _metric(given: str | None) -> Metric | None:
    return None if given is None else "time" if given == "time" else "validation"


def _statistic(given: str) -> Statistic:
    return "mean" if given == "mean" else "median"
