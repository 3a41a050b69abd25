"""Results that were written down: open runs, score them, report on them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from mlgolf.api.frames import board_frame, evaluations_frame, spikes_frame, trials_frame
from mlgolf.api.shown import STYLE, WIDTH, as_text
from mlgolf.api.triage import look_over_run
from mlgolf.core.competition import Competition
from mlgolf.core.disk import disk_errors_told, naming
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.core.text import printable
from mlgolf.core.trial import Trial
from mlgolf.plots.svg import drawn_beside
from mlgolf.report.board import leaderboard_section
from mlgolf.report.figures import Progress, unwatched
from mlgolf.report.html import Html, join, table, tag, text
from mlgolf.report.page import write_report as write_page
from mlgolf.report.terminal import (
    diagnostic_lines,
    leaderboard_tables,
    plain,
    review_lines,
    run_tables,
)
from mlgolf.report.view import ReviewView, review_view
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.run_names import latest_run
from mlgolf.results.trial_folder import PLAN, is_finished
from mlgolf.scoring.review import Review, review
from mlgolf.scoring.sensitivity import with_interpretations
from mlgolf.scoring.since import Since, since
from mlgolf.scoring.sources import Source, open_source
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.target_levels import has_targets
from mlgolf.triage.looked_at import LookedAt

AnyPath = str | PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How results are to be scored. None: as they were recorded.

    `tuning` and `competition` a table needs; runs have their own. `interpretation`: names of
    ambiguous rules with the choice, {"trial": "fastest"}. `since`: earlier results to compare with,
    and `bridge` the submissions that were run in both, as (old name, new name) if renamed.
    `rulings`: a folder of rulings of a jury, in place of those in the competition's folder.
    """

    competition: str | None = None
    tuning: str | None = None
    framework: str | None = None
    submissions: Sequence[str] | None = None
    baseline: str | None = None
    interpretation: Mapping[str, str] | None = None
    partial: bool = False
    target_levels: bool = False
    since: str | None = None
    bridge: Sequence[tuple[str, str]] = ()
    rulings: AnyPath | None = None


class Board:
    """A leaderboard with its diagnostics. It displays itself, as text or in a notebook."""

    def __init__(self, review: Review) -> None:
        self.review = review

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per submission, best first. Columns: see `frames.board_frame`."""
        return board_frame(self.review.board)

    @cached_property
    def view(self) -> ReviewView:
        """Its rows, cells and sentences as text without markup, for a page of one's own."""
        return review_view(self.review)

    def show(self, console: Console) -> None:
        """Print the tables, then notes and diagnostics, a line each."""
        for part in (*leaderboard_tables(self.view.board), *run_tables(self.view)):
            console.print(part)
        for line in review_lines(self.view):
            console.print(plain(line), soft_wrap=not console.is_terminal)

    def __repr__(self) -> str:
        return as_text(self.show, WIDTH)

    def _repr_html_(self) -> str:
        lines = [tag("li", text(line)) for line in diagnostic_lines(self.view)]
        return tag(
            "div", STYLE, tag("p", tag("b", text(self.view.board.title))),
            leaderboard_section(self.view.board), tag("ul", *lines), css="mlgolf",
        )


class Run:
    """A run on disk. What it holds is read when it is asked for, so it may still be going on."""

    def __init__(self, path: AnyPath) -> None:
        """Raises: RunFolderError if there is no run at `path`."""
        self._folder = RunFolder(Path(path))

    @property
    def path(self) -> Path:
        return self._folder.path

    @property
    def competition(self) -> Competition:
        """The rules it was played under."""
        return self._folder.competition

    @property
    def plans(self) -> list[Path]:
        """Plans that were written down and have not been played, in order."""
        return sorted(
            plan for plan in self.path.rglob(PLAN) if not is_finished(plan.parent)
        )

    @property
    def trials(self) -> pl.DataFrame:
        """One row per trial. Columns: see `frames.trials_frame`."""
        return trials_frame(self.competition, self._folder.trials())

    @property
    def evaluations(self) -> pl.DataFrame:
        """One row per evaluation of each trial. Columns: see `frames.evaluations_frame`."""
        return evaluations_frame(self._folder.trials())

    @property
    def spikes(self) -> pl.DataFrame:
        """One row per loss spike. Columns: see `frames.spikes_frame`."""
        return spikes_frame(self._folder.trials())

    def score(self, **options) -> Board:
        """As `mlgolf.score`, with the same options."""
        return score(self.path, **options)

    def report(self, output: AnyPath | None = None, **options) -> Path:
        """As `mlgolf.write_report`: an HTML page, in the run unless `output` says where."""
        return write_report(self.path, output=output, **options)

    def __repr__(self) -> str:
        facts = [printable(f"Run {self.path}"), *self._facts(self._folder.trials())]
        return "\n".join([facts[0], *(f"  {fact}" for fact in facts[1:])])

    def _facts(self, trials: Sequence[Trial]) -> list[str]:
        ends = Counter(trial.status or "not ended" for trial in trials)
        counts = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        unofficial = dict.fromkeys(trial.unofficial for trial in trials if trial.unofficial)
        facts = [
            self.competition.with_round(self.competition.title),
            f"submissions: {', '.join(self._folder.record.submissions)}",
            f"workloads: {', '.join(self.competition.workloads)}",
            f"{len(trials)} trial{'s' * (len(trials) != 1)}" + (f": {counts}" if counts else ""),
            *(f"unofficial: {reason}" for reason in unofficial),
        ]
        return [printable(fact) for fact in facts]

    def _repr_html_(self) -> str:
        trials = self._folder.trials()
        facts = [tag("li", text(fact)) for fact in self._facts(trials)]
        heads = [*map(text, ("trial", "status", "seconds", "reason"))]
        rows = [[text(cell) for cell in _cells(trial)] for trial in trials]
        parts: list[Html] = [tag("p", tag("b", text(f"Run {self.path}"))), tag("ul", *facts)]
        return join([*parts, *([table(heads, rows)] if rows else [])])


def _cells(trial: Trial) -> tuple[object, ...]:
    seconds = trial.total_seconds
    shown = "" if seconds is None else f"{seconds:.2f}"
    return (trial.key, trial.status or "not ended", shown, trial.reason)


def open_run(path: AnyPath | None = None) -> Run:
    """The run in that folder, or else the latest in `runs/`.

    Raises: RunFolderError if there is none.
    """
    return Run(latest_run() if path is None else path)


@disk_errors_told()
def score(*paths: AnyPath, **options) -> Board:
    """Score run folders, a tree of AlgoPerf's logs, or a table of trials; else the latest run.

    Args: options: the fields of `Options`, all of them optional.
    Raises: MLGolfError for what is missing, of another kind, or does not go together.
    """
    chosen = _options(options)
    source = _source(_paths(paths), chosen, "score")
    return Board(_review(source, chosen, target_levels=chosen.target_levels))


@disk_errors_told()
def write_report(
    *paths: AnyPath, output: AnyPath | None = None, progress: Progress = unwatched, **options
) -> Path:
    """Write a self-contained HTML page about results, with figures and tables beside it.

    Args:
      output: the page; None for report.html in the run, or here if there is not just one run.
      progress: called as progress(what, done, total) before each step; total is 0 where it is not
        known.
      options: as those of `score`.
    Returns: where the page is.
    """
    results, chosen = _paths(paths), _options(options)
    page = _page_of(results) if output is None else Path(output)
    with drawn_beside() as begin:
        progress("reading results", 0, 0)
        source = _source(results, chosen, "report")
        movable = source.has_evaluations and has_targets(source.competition)
        progress("scoring", 0, 0)
        found = _review(source, chosen, target_levels=movable)
        with naming(page):
            write_page(
                found, source.shown(found.board), page, progress, begin,
                looked_at=_looked_at(results, chosen.submissions),
            )
    return page


def _looked_at(results: Sequence[Path], submissions: Sequence[str] | None) -> list[LookedAt]:
    """What the code of all that were played says; nothing of what has no code here."""
    runs = [RunFolder(path) for path in results if (path / "run.json").is_file()]
    return [
        one for run in runs for one in look_over_run(run)
        if submissions is None or one.name in submissions
    ]


def _options(given: Mapping[str, Any]) -> Options:
    known = [field.name for field in fields(Options)]
    for name in given:
        if name not in known:
            raise UnknownName("option", name, known=known)
    return Options(**given)


def _paths(paths: Sequence[AnyPath]) -> list[Path]:
    return [Path(path) for path in paths] or [latest_run()]


def _page_of(results: Sequence[Path]) -> Path:
    """Where a report is written that was given no place: nothing is put among others' logs."""
    alone = len(results) == 1 and (results[0] / "run.json").exists()
    return (results[0] if alone else Path()) / "report.html"


def _source(paths: Sequence[Path], options: Options, command: str) -> Source:
    return open_source(
        paths, options.competition, options.tuning, framework=options.framework,
        submissions=options.submissions, command=command,
        rulings=None if options.rulings is None else Path(options.rulings),
    )


def _review(source: Source, options: Options, *, target_levels: bool) -> Review:
    if options.bridge and not options.since:
        raise ScoringError("a bridge names a submission run in both: say since what as well")
    # Rules of a ladder are those of its run, which asks for as many studies as it plays.
    competition = source.as_played() if source.competition.ladders else source.competition
    return review(
        with_interpretations(competition, dict(options.interpretation or {})),
        source.ruleset, source.admitted, baseline=options.baseline, partial=options.partial,
        evaluations=source.evaluations if target_levels else None,
        since=_since(source, options.since, options.bridge) if options.since else None,
        problems=source.problems, disclosures=source.disclosures,
    )


def _since(
    source: Source, earlier: str, bridge: Sequence[tuple[str, str]]
) -> Callable[[Standings], Since]:
    """Compares standings with those of earlier results."""
    before = source.earlier(earlier)
    then = Standings(before.competition, before.admitted(before.competition).pool)
    return lambda now: since(now, then, list(bridge) or None)
