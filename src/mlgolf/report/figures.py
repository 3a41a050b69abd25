"""The figures of a report: drawn once, saved beside it, and made ready to stand in the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.core.trial import Trial
from mlgolf.plots.absences import ranks_without
from mlgolf.plots.costs import costs_of_submissions
from mlgolf.plots.ladder import rank_against_target
from mlgolf.plots.pairs import pairs_matrix
from mlgolf.plots.profile import profile
from mlgolf.plots.runtimes import runtime_distributions
from mlgolf.plots.svg import for_page, recoloured, to_svg
from mlgolf.plots.tables import (
    absences_table,
    costs_table,
    curves_table,
    ladder_table,
    pairs_table,
    profile_table,
    runtimes_table,
    studies_table,
)
from mlgolf.plots.theme import DARK, Style
from mlgolf.plots.times_to_target import times_panel, times_to_target
from mlgolf.plots.training_curves import training_curves, training_panel
from mlgolf.report.html import Html, join
from mlgolf.report.words import noun, three_digits
from mlgolf.scoring.leaderboard import Leaderboard
from mlgolf.scoring.review import Review

MOST_ROWS = 20_000  # of evaluations; beyond, only the best trials are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure for the page, the same in one piece, and the table that it shows."""

    name: str  # of its files
    title: str
    caption: str
    table: pl.DataFrame
    drawing: Html  # panels, which the page sets side by side as they fit
    whole: str  # SVG in the light theme
    beside: bool = True  # small, so that its caption has room at its right
    coloured: bool = True  # by submission, so that it needs the legend

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME_dark.svg and NAME.csv."""
        self.table.write_csv(folder / f"{self.name}.csv")
        (folder / f"{self.name}.svg").write_text(self.whole, encoding="utf-8")
        dark = recoloured(self.whole, DARK)
        (folder / f"{self.name}_dark.svg").write_text(dark, encoding="utf-8")


def draw_figures(review: Review, trials: Sequence[Trial]) -> list[Figure]:
    """All that there is something to draw of, in the order of the page.

    Args:
      trials: those of the board that are at hand; none where only a table of times is known.
    """
    board = review.board
    if not review.standings.pool.played.any():
        return []
    rivals = pl.lit(len(board.entries) > 1)
    style = Style(
        submissions=tuple(entry.submission for entry in board.entries), notice=board.notice
    )
    competition = review.standings.competition
    curves = curves_table(review.standings, trials)
    figures = [
        _by_workload(
            "training_curves", "Training curves", curves, competition, style, training_curves,
            lambda part: training_panel(part, style, legend=False), coloured=True,
            caption="Validation metric against seconds on the clock. Full lines are the best "
            "trial of each study (its first, where none got there)"
            + (", faint ones its other trials" if len(curves) <= MOST_ROWS else "")
            + "; a dot marks the evaluation that was scored, a dashed line the target. Axes span "
            "the better nine tenths of what the best trials show.",
        ),
        _by_workload(
            "times_to_target", "Every study", studies_table(review.standings), competition, style,
            times_to_target, lambda part: times_panel(part, style), coloured=False,
            caption=f"The {noun(competition.rules.objective)} of every study, better to the left. "
            "Bars are medians, which are scored. A cross at the right edge stands for studies "
            "that never got there.",
        ),
        _single(
            "performance_profile", "Performance profile",
            profile_table(board, competition.rules.aggregation.tau_max), style, profile,
            "In what share of the workloads a submission comes within a factor τ of the best "
            "there: further up and further left is better.",
        ),
        _single(
            "decisive_pairs", "Who can be told apart", pairs_table(review), style, pairs_matrix,
            "How likely, in percent, a row would score more than a column if all trials were drawn "
            "anew from what was seen. Framed pairs are decided: the 95% interval of the difference "
            "of their scores, as wide as simulation showed that it must be, leaves out 0.",
            coloured=False,
        ),
        _single(
            "rank_against_target", "Dependence on targets",
            ladder_table(review).filter(rivals), style,
            rank_against_target,
            "The rank of every submission, had the targets been easier by a share of themselves. "
            "The same trials are judged anew.",
        ),
        _single(
            "runtime_distribution", "Time to target, all targets", runtimes_table(review), style,
            runtime_distributions,
            "The share of all pairs of a workload and a target, the published and those eased by "
            f"{_in_words(review)}, that is solved by a time, if a trial that fails is followed by "
            "another drawn at random. Times are in budgets of the workload.",
        ),
        _single(
            "ranks_without", "Dependence on the field", absences_table(review), style,
            ranks_without,
            "Ratios are to the best of the field, so that an entrant who is fast somewhere moves "
            "others. Each row leaves one entrant out, and has those whose rank would be another: "
            "now, and without. Who is no row moves nobody.",
            coloured=False,
        ),
        _single(
            "costs", "Cost", costs_table(review), style, costs_of_submissions,
            _cost_in_words(review), coloured=False,
        ),
    ]
    return [figure for figure in figures if figure is not None]


def _in_words(review: Review) -> str:
    return ", ".join(f"{100 * rung.eased:g}%" for rung in review.ladder if rung.eased)


def _cost_in_words(review: Review) -> str:
    hours = sum(cost.hours for cost in review.costs)
    in_vain = sum(cost.hours_in_vain for cost in review.costs)
    share = 100 * in_vain / hours if hours else 0.0
    return (
        f"Hours on the clock of the machine that the trials ran on, {three_digits(hours)} in all; "
        f"pale, the {share:.0f}% of them on trials that never got there. Evaluations are not in it."
    )


def _by_workload(
    name: str, title: str, table: pl.DataFrame, competition: Competition, style: Style,
    whole: Callable[[pl.DataFrame, Style], Any], panel: Callable[[pl.DataFrame], Any], *,
    caption: str, coloured: bool,
) -> Figure | None:
    """Panels in the competition's order of workloads; nothing is drawn of an empty table."""
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
    caption: str, *, coloured: bool = True,
) -> Figure | None:
    """A figure in one piece. The page has a legend of its own, the file needs one."""
    if table.is_empty():
        return None
    return Figure(
        name=name, title=title, caption=caption, table=table,
        drawing=_inline(chart(table, style, legend=False) if coloured else chart(table, style),
                        name, ""),
        whole=to_svg(style.signed(chart(table, style))), coloured=coloured,
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
