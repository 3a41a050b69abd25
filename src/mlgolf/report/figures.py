"""The figures of a report: drawn once, for the page and for files beside it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.rules import Aggregation, Ruleset
from mlgolf.core.trial import Trial
from mlgolf.plots.drawing import Svg
from mlgolf.plots.leave_one_out import leave_one_out_ranks
from mlgolf.plots.models import models_over_time
from mlgolf.plots.profile import profile
from mlgolf.plots.runtimes import runtime_distributions
from mlgolf.plots.saved import without_formulas
from mlgolf.plots.svg import (
    drawn_here,
    for_page,
    in_columns,
    recoloured,
    size,
    stacked,
    to_svg,
    with_ids,
)
from mlgolf.plots.tables import (
    curves_table,
    leave_one_out_table,
    models_table,
    profile_table,
    runtimes_table,
    studies_table,
    target_levels_table,
    training_time_table,
    twin_table,
    win_probability_table,
)
from mlgolf.plots.target_levels import rank_against_target
from mlgolf.plots.theme import DARK, Style
from mlgolf.plots.times_to_target import times_panel
from mlgolf.plots.training_curves import training_panel
from mlgolf.plots.training_time import training_time_of_submissions
from mlgolf.plots.twin import twin_panel
from mlgolf.plots.win_probability import win_probability_matrix
from mlgolf.report.captions import (
    LEAVE_ONE_OUT,
    TARGET_LEVELS,
    curves_caption,
    models_caption,
    profile_caption,
    runtimes_caption,
    studies_caption,
    training_time_caption,
    twin_caption,
    win_probability_caption,
)
from mlgolf.report.html import Html, join
from mlgolf.report.run_sections import correlations
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.review import Review
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.twin import Twin

MOST_BESIDE = 8  # submissions of a matrix that fits beside its caption
MOST_ROWS = 20_000  # of evaluations; with more, only the best trials are drawn
COLUMNS = 3  # of a figure with a panel for each workload

Progress = Callable[[str, int, int], None]  # what is done now, how many are done, of how many
Begin = Callable[[Any], Svg]  # chart -> what waits for its SVG


def unwatched(what: str, done: int, total: int) -> None:
    """Progress that nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A figure that is not drawn yet."""

    name: str  # of its files
    title: str
    caption: str
    table: pl.DataFrame
    panels: Sequence[pl.DataFrame]  # the part of the table for each, or all of it
    chart: Callable[[pl.DataFrame, Style], Any]  # of a panel
    columns: int = 1  # panels side by side, or fewer on a narrow page; 1: one chart
    beside: bool = True  # small: its caption stands to the right
    coloured: bool = True  # by submission, so it needs the legend
    below: Html | None = None  # more to read of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure for the page, the same as one image, and its table."""

    sketch: Sketch
    drawing: Html
    whole: str  # SVG in the light theme
    label: str  # of the board, for the table; may be empty

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME_dark.svg and NAME.csv, which has a column for a label."""
        name, table = self.sketch.name, self.sketch.table
        table = table.with_columns(label=pl.lit(self.label)) if self.label else table
        table.with_columns(without_formulas(pl.col(pl.String))).write_csv(folder / f"{name}.csv")
        (folder / f"{name}.svg").write_text(self.whole, encoding="utf-8")
        dark = recoloured(self.whole, DARK)
        (folder / f"{name}_dark.svg").write_text(dark, encoding="utf-8")


def draw_figures(
    review: Review, trials: Sequence[Trial], progress: Progress = unwatched,
    begin: Begin = drawn_here, twin: Twin | None = None,
) -> list[Figure]:
    """All figures that have data, in the order of the page.

    Args:
      twin: models beside their error on data that no score has seen, if there are such.
      trials: those of the board, if they are known; none where there is only a table of times.
      progress: told of each drawing before it is waited for.
      begin: begins to draw a chart; what it gives waits for the SVG.
    """
    board = review.board
    if not review.standings.pool.played.any():
        return []
    style = Style(
        submissions=tuple(entry.submission for entry in board.entries), notice=_notice(board)
    )
    sketches = [*_of_workloads(review, trials), *_of_twin(twin), *_of_submissions(review)]
    return draw_sketches(
        sketches, style, label="; ".join(board.labels.titles), progress=progress, begin=begin
    )


def draw_sketches(
    sketches: Iterable[Sketch], style: Style, *, label: str = "", progress: Progress = unwatched,
    begin: Begin = drawn_here,
) -> list[Figure]:
    """Those that have data, in their order."""
    sketches = [sketch for sketch in sketches if sketch.panels]
    begun = [[begin(sketch.chart(part, style)) for part in sketch.panels] for sketch in sketches]
    total, done = sum(map(len, begun)), 0
    figures, frame = [], _Frame(style)
    for sketch, panels in zip(sketches, begun, strict=True):
        svgs = []
        for svg in panels:
            progress(f"drawing {sketch.title.lower()}", done, total)
            svgs.append(with_ids(svg(), f"{sketch.name}{len(svgs)}_"))
            done += 1
        figures.append(Figure(
            sketch=sketch, drawing=_inline(sketch, svgs), whole=frame.around(sketch, svgs),
            label=label,
        ))
    return figures


def _notice(board: Leaderboard) -> str:
    return " · ".join([*board.labels.titles, *([board.notice] if board.notice else [])])


def _of_workloads(review: Review, trials: Sequence[Trial]) -> Iterator[Sketch]:
    """Figures with one panel for each workload."""
    standings = review.standings
    competition = standings.competition
    if review.runs and _is_by_value(competition):
        yield _models(review, trials)
    else:
        yield _curves(standings, trials)
    studies = studies_table(standings)
    yield studies_sketch(studies, competition, review.board.ruleset)


def studies_sketch(studies: pl.DataFrame, competition: Competition, ruleset: Ruleset) -> Sketch:
    """A panel for each workload. Args: studies: of `tables.studies_table`."""
    alone = competition.rules.tuning.stands_alone(ruleset)
    return Sketch(
        name="times_to_target", title=f"Results of every {'run' if alone else 'study'}",
        table=studies, chart=times_panel, panels=_by_workload(studies, competition),
        caption=studies_caption(studies, competition.rules, alone=alone), columns=COLUMNS,
        beside=False, coloured=False,
    )


def _is_by_value(competition: Competition) -> bool:
    """Whether a trial goes on for a better value, on one scored workload."""
    accumulates = competition.rules.objective_quantity.accumulates
    return not accumulates and len(competition.scored_workloads) == 1


def _models(review: Review, trials: Sequence[Trial]) -> Sketch:
    competition, rules = review.standings.competition, review.standings.competition.rules
    (name,) = competition.scored_workloads
    factor = rules.tuning.under(review.board.ruleset).budget_factor
    models = models_table(review.standings, trials, factor)
    return _single(
        "models", "Every model that was judged", models, models_over_time,
        models_caption(models, rules, competition.workloads[name]),
    )


def _of_twin(twin: Twin | None) -> Iterator[Sketch]:
    if twin is not None:
        yield twin_sketch(twin)


def twin_sketch(twin: Twin) -> Sketch:
    """A panel for each quantity and each error."""
    table = twin_table(twin)
    return Sketch(
        name="twin", title="What predicts the error on the twin set", table=table,
        panels=table.partition_by("quantity", "error", maintain_order=True), chart=twin_panel,
        caption=twin_caption(twin), columns=table["error"].n_unique(), beside=False,
        below=correlations(twin),
    )


def _curves(standings: Standings, trials: Sequence[Trial]) -> Sketch:
    competition = standings.competition
    curves = curves_table(standings, trials)
    all_trials = len(curves) <= MOST_ROWS
    return Sketch(
        name="training_curves", title="Training curves", table=curves, chart=training_panel,
        panels=_by_workload(curves if all_trials else curves.filter("best"), competition),
        caption=curves_caption(curves, competition.rules, all_trials=all_trials),
        columns=COLUMNS, beside=False,
    )


def _by_workload(table: pl.DataFrame, competition: Competition) -> list[pl.DataFrame]:
    """The table in parts, in the competition's order of workloads."""
    parts = table.partition_by("workload", as_dict=True)
    return [parts[name,] for name in competition.workloads if (name,) in parts]


def _of_submissions(review: Review) -> Iterator[Sketch]:
    """Figures with all workloads together."""
    board, aggregation = review.board, review.standings.competition.rules.aggregation
    if len(review.standings.competition.scored_workloads) > 1:
        yield profile_sketch(board, aggregation)
    if not (review.record and len(board.entries) == 2):  # which says it of the only pair
        yield _single(
            "win_probability", "Win probability", win_probability_table(review),
            win_probability_matrix, win_probability_caption(tested=board.tests_differences),
            coloured=False, beside=len(board.entries) <= MOST_BESIDE,
        )
    # What a trial reaches on the way is no result where it goes on for a better value.
    if not _is_by_value(review.standings.competition):
        yield from _of_target_levels(review)
    yield _single(
        "leave_one_out", "Leave-one-out", leave_one_out_table(review), leave_one_out_ranks,
        LEAVE_ONE_OUT, coloured=False,
    )
    yield _single(
        "training_time", "Training time", training_time_table(review),
        training_time_of_submissions,
        training_time_caption(review.training_time, review.standings.competition),
        coloured=False,
    )


def profile_sketch(board: Leaderboard, aggregation: Aggregation) -> Sketch:
    return _single(
        "performance_profile", "Performance profile",
        profile_table(board, aggregation.tau_max), profile, profile_caption(aggregation),
    )


def _of_target_levels(review: Review) -> Iterator[Sketch]:
    board = review.board
    rivals = pl.lit(len(board.entries) > 1)
    yield _single(
        "rank_against_target", "Ranks at easier targets",
        target_levels_table(review).filter(rivals), rank_against_target, TARGET_LEVELS,
    )
    yield _single(
        "runtime_distribution", "Runtime distribution", runtimes_table(review),
        runtime_distributions, runtimes_caption(review.target_levels),
    )


def _single(
    name: str, title: str, table: pl.DataFrame, chart: Callable[[pl.DataFrame, Style], Any],
    caption: str, *, coloured: bool = True, beside: bool = True,
) -> Sketch:
    return Sketch(
        name=name, title=title, caption=caption, table=table, chart=chart, coloured=coloured,
        beside=beside, panels=[] if table.is_empty() else [table],
    )


def _inline(sketch: Sketch, svgs: Sequence[str]) -> Html:
    """For the page, which has a legend of its own and wraps the panels."""
    panels, numbered = [], len(svgs) > 1
    for number, svg in enumerate(svgs):
        label = escape(sketch.name.replace("_", " ") + f" {number}" * numbered)
        panels.append(Html(f'<div role="img" aria-label="{label}">{for_page(svg)}</div>'))
    if sketch.columns == 1 and not numbered:
        return panels[0]
    return Html(f'<div class="panels" style="--columns: {sketch.columns}">{join(panels)}</div>')


class _Frame:
    """Legend and notice for files, each drawn once."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._legends: dict[int, str] = {}  # by the number of columns
        self._notice = [to_svg(style.notice_below())] if style.notice else []

    def around(self, sketch: Sketch, svgs: Sequence[str]) -> str:
        """All panels in one, with legend and notice."""
        drawn = in_columns(svgs, sketch.columns)
        above = [self._legend(size(drawn)[0])] if sketch.coloured else []
        return stacked([*above, drawn, *self._notice])

    def _legend(self, width: float) -> str:
        columns = self._style.legend_columns(width)
        if columns not in self._legends:
            self._legends[columns] = to_svg(self._style.legend(columns))
        return self._legends[columns]


def legend(board: Leaderboard) -> Html:
    """One legend for all figures: the colour of each submission, best first."""
    style = Style(submissions=tuple(entry.submission for entry in board.entries))
    items = []
    for name in style.submissions:
        colour, dash = style.number(name)
        line = f"border-top:3px {('solid', 'dashed', 'dotted')[dash]} var(--colour-{colour})"
        items.append(f'<li><span class="swatch" style="{line}"></span>{escape(name)}</li>')
    return Html(f'<ul class="legend">{"".join(items)}</ul>')
