"""The figures of a report: drawn once, for the page and for files beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.trial import Trial
from mlgolf.plots.costs import costs_of_submissions
from mlgolf.plots.leave_one_out import leave_one_out_ranks
from mlgolf.plots.profile import profile
from mlgolf.plots.runtimes import runtime_distributions
from mlgolf.plots.svg import for_page, recoloured, to_svg
from mlgolf.plots.tables import (
    costs_table,
    curves_table,
    leave_one_out_table,
    profile_table,
    runtimes_table,
    studies_table,
    target_levels_table,
    win_probability_table,
)
from mlgolf.plots.target_levels import rank_against_target
from mlgolf.plots.theme import DARK, Style
from mlgolf.plots.times_to_target import times_panel, times_to_target
from mlgolf.plots.training_curves import training_curves, training_panel
from mlgolf.plots.win_probability import win_probability_matrix
from mlgolf.report.captions import (
    LEAVE_ONE_OUT,
    TARGET_LEVELS,
    costs_caption,
    curves_caption,
    profile_caption,
    runtimes_caption,
    studies_caption,
    win_probability_caption,
)
from mlgolf.report.html import Html, join
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.review import Review

MOST_BESIDE = 8  # submissions of a matrix that fits beside its caption
MOST_ROWS = 20_000  # of evaluations; with more, only the best trials are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure for the page, the same as one image, and its table."""

    name: str  # of its files
    title: str
    caption: str
    table: pl.DataFrame
    drawing: Html  # panels, as many side by side as fit the page
    whole: str  # SVG in the light theme
    beside: bool = True  # small: its caption stands to the right
    coloured: bool = True  # by submission, so it needs the legend
    label: str = ""  # of the board, for the table

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME_dark.svg and NAME.csv, which has a column for a label."""
        table = self.table.with_columns(label=pl.lit(self.label)) if self.label else self.table
        table.with_columns(_no_formula(pl.col(pl.String))).write_csv(folder / f"{self.name}.csv")
        (folder / f"{self.name}.svg").write_text(self.whole, encoding="utf-8")
        dark = recoloured(self.whole, DARK)
        (folder / f"{self.name}_dark.svg").write_text(dark, encoding="utf-8")


def _no_formula(text: pl.Expr) -> pl.Expr:
    """Spreadsheets run a cell that starts like a formula: an apostrophe makes it text."""
    return text.str.replace(r"^([=+\-@\t\r])", "'${1}")


def draw_figures(review: Review, trials: Sequence[Trial]) -> list[Figure]:
    """All figures that have data, in the order of the page.

    Args:
      trials: those of the board, if they are known; none where there is only a table of times.
    """
    board = review.board
    if not review.standings.pool.played.any():
        return []
    style = Style(
        submissions=tuple(entry.submission for entry in board.entries), notice=_notice(board)
    )
    figures = [*_of_workloads(review, trials, style), *_of_submissions(review, style)]
    label = "; ".join(board.labels.titles)
    return [replace(figure, label=label) for figure in figures if figure is not None]


def _notice(board: Leaderboard) -> str:
    return " · ".join([*board.labels.titles, *([board.notice] if board.notice else [])])


def _of_workloads(
    review: Review, trials: Sequence[Trial], style: Style
) -> Iterator[Figure | None]:
    """Figures with one panel for each workload."""
    standings = review.standings
    competition = standings.competition
    curves = curves_table(standings, trials)
    yield _by_workload(
        "training_curves", "Training curves", curves, competition, style, training_curves,
        lambda part: training_panel(part, style, legend=False), coloured=True,
        caption=curves_caption(curves, all_trials=len(curves) <= MOST_ROWS),
    )
    yield _by_workload(
        "times_to_target", "Results of every study", studies_table(standings), competition, style,
        times_to_target, lambda part: times_panel(part, style), coloured=False,
        caption=studies_caption(competition.rules),
    )


def _of_submissions(review: Review, style: Style) -> Iterator[Figure | None]:
    """Figures with all workloads together."""
    board, aggregation = review.board, review.standings.competition.rules.aggregation
    yield _single(
        "performance_profile", "Performance profile",
        profile_table(board, aggregation.tau_max), style, profile, profile_caption(aggregation),
    )
    yield _single(
        "win_probability", "Win probability", win_probability_table(review), style,
        win_probability_matrix, win_probability_caption(tested=board.tests_differences),
        coloured=False, beside=len(board.entries) <= MOST_BESIDE,
    )
    rivals = pl.lit(len(board.entries) > 1)
    yield _single(
        "rank_against_target", "Ranks at easier targets",
        target_levels_table(review).filter(rivals), style, rank_against_target, TARGET_LEVELS,
    )
    yield _single(
        "runtime_distribution", "Runtime distribution", runtimes_table(review), style,
        runtime_distributions, runtimes_caption(review.target_levels),
    )
    yield _single(
        "leave_one_out", "Leave-one-out", leave_one_out_table(review), style,
        leave_one_out_ranks, LEAVE_ONE_OUT, coloured=False,
    )
    yield _single(
        "costs", "Cost", costs_table(review), style, costs_of_submissions,
        costs_caption(review.costs), coloured=False,
    )


def _by_workload(
    name: str, title: str, table: pl.DataFrame, competition: Competition, style: Style,
    whole: Callable[[pl.DataFrame, Style], Any], panel: Callable[[pl.DataFrame], Any], *,
    caption: str, coloured: bool,
) -> Figure | None:
    """Panels in the competition's order of workloads; None for an empty table."""
    drawn = table.filter("best") if len(table) > MOST_ROWS and "best" in table.columns else table
    parts = [drawn.filter(pl.col("workload") == workload) for workload in competition.workloads]
    parts = [part for part in parts if not part.is_empty()]
    if not parts:
        return None
    panels = [_inline(style.apply(panel(part)), name, str(i)) for i, part in enumerate(parts)]
    return Figure(
        name=name, title=title, caption=caption, table=table,
        drawing=Html(f'<div class="panels">{join(panels)}</div>'),
        whole=to_svg(style.signed(whole(pl.concat(parts), style))), beside=False,
        coloured=coloured,
    )


def _single(
    name: str, title: str, table: pl.DataFrame, style: Style, chart: Callable[..., Any],
    caption: str, *, coloured: bool = True, beside: bool = True,
) -> Figure | None:
    """A figure without panels. The page has its own legend, the file needs one."""
    if table.is_empty():
        return None
    return Figure(
        name=name, title=title, caption=caption, table=table,
        drawing=_inline(chart(table, style, legend=False) if coloured else chart(table, style),
                        name, ""),
        whole=to_svg(style.signed(chart(table, style))), coloured=coloured, beside=beside,
    )


def _inline(chart: Any, name: str, number: str) -> Html:
    svg = for_page(to_svg(chart), ids=f"{name}{number}_")
    label = escape(f"{name.replace('_', ' ')} {number}".strip())
    return Html(f'<div role="img" aria-label="{label}">{svg}</div>')


def legend(board: Leaderboard) -> Html:
    """One legend for all figures: the colour of each submission, best first."""
    style = Style(submissions=tuple(entry.submission for entry in board.entries))
    items = []
    for name in style.submissions:
        colour, dash = style.number(name)
        line = f"border-top:3px {('solid', 'dashed', 'dotted')[dash]} var(--colour-{colour})"
        items.append(f'<li><span class="swatch" style="{line}"></span>{escape(name)}</li>')
    return Html(f'<ul class="legend">{"".join(items)}</ul>')
