"""The figures of a report: drawn once, saved beside it, and made ready to stand in the page."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.core.competition import Competition
from mlgolf.plots.profile import profile
from mlgolf.plots.svg import for_page, recoloured, to_svg
from mlgolf.plots.tables import curves_table, profile_table, studies_table
from mlgolf.plots.theme import DARK, Style
from mlgolf.plots.times_to_target import times_panel, times_to_target
from mlgolf.plots.training_curves import training_curves, training_panel
from mlgolf.report.html import Html, join
from mlgolf.scoring.admission import Admission
from mlgolf.scoring.leaderboard import Leaderboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure for the page, the same in one piece, and the table that it shows."""

    name: str  # of its files
    table: pl.DataFrame
    drawing: Html  # panels, which the page sets side by side as they fit
    whole: str  # SVG in the light theme

    def save(self, folder: Path) -> None:
        """Write NAME.svg, NAME_dark.svg and NAME.csv."""
        self.table.write_csv(folder / f"{self.name}.csv")
        if self.whole:
            (folder / f"{self.name}.svg").write_text(self.whole, encoding="utf-8")
            dark = recoloured(self.whole, DARK)
            (folder / f"{self.name}_dark.svg").write_text(dark, encoding="utf-8")


def draw_figures(
    competition: Competition, admission: Admission, board: Leaderboard
) -> list[Figure]:
    """Training curves, the objective of every study, and the performance profile."""
    style = Style(submissions=tuple(entry.submission for entry in board.entries))
    curves = curves_table(competition, admission)
    studies = studies_table(competition, admission, board)
    shares = profile_table(board, competition.rules.aggregation.tau_max)
    return [
        _by_workload(
            "training_curves", curves, competition, style, training_curves,
            lambda part: training_panel(part, style, legend=False),
        ),
        _by_workload(
            "times_to_target", studies, competition, style, times_to_target,
            lambda part: times_panel(part, style),
        ),
        _profile(shares, style),
    ]


def _by_workload(
    name: str, table: pl.DataFrame, competition: Competition, style: Style,
    whole: Callable[[pl.DataFrame, Style], Any], panel: Callable[[pl.DataFrame], Any],
) -> Figure:
    """Panels in the competition's order of workloads; nothing is drawn of an empty table."""
    parts = [table.filter(pl.col("workload") == workload) for workload in competition.workloads]
    parts = [part for part in parts if not part.is_empty()]
    panels = [_inline(style.apply(panel(part)), name, str(i)) for i, part in enumerate(parts)]
    return Figure(
        name=name,
        table=table,
        drawing=Html(f'<div class="panels">{join(panels)}</div>'),
        whole=to_svg(whole(pl.concat(parts), style)) if parts else "",
    )


def _profile(table: pl.DataFrame, style: Style) -> Figure:
    name = "performance_profile"
    if table.is_empty():
        return Figure(name=name, table=table, drawing=Html(""), whole="")
    return Figure(
        name=name,
        table=table,
        drawing=_inline(profile(table, style, legend=False), name, ""),
        whole=to_svg(profile(table, style)),
    )


def _inline(chart: Any, name: str, number: str) -> Html:
    svg = for_page(to_svg(chart), ids=f"{name}{number}_")
    label = escape(f"{name.replace('_', ' ')} {number}".strip())
    return Html(f'<div role="img" aria-label="{label}">{svg}</div>')


def legend(board: Leaderboard) -> Html:
    """One legend for all figures: the colour of each submission, best first."""
    style = Style(submissions=tuple(entry.submission for entry in board.entries))
    items = [
        f'<li><span class="swatch" style="background:var(--colour-{style.colour_number(name)})">'
        f"</span>{escape(name)}</li>"
        for name in style.submissions
    ]
    return Html(f'<ul class="legend">{"".join(items)}</ul>')
