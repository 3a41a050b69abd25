"""How figures look: light and dark, fonts, and one colour per submission.

The colours are those of Okabe and Ito (2008), told apart by readers with any colour vision, made
lighter for the dark theme. Where there are more submissions than colours they repeat with dashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import Quantity

FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
PADDING = {"left": 0, "right": 6, "top": 4, "bottom": 4}
# A method called "orange" is drawn in orange, whatever its place.
CALLED = {
    "blue": 0, "orange": 1, "green": 2, "violet": 3, "purple": 3, "yellow": 4, "brown": 6,
    "grey": 7, "gray": 7,
}
DASHES = ([1, 0], [6, 3], [2, 2])
# Whether a text keeps to a limit is measured again and again: a third of the time to draw.
UNLIMITED = {"labelLimit": 0, "titleLimit": 0}
CHARACTER = 6.2  # pixels, of a label of an axis
LEGEND_CHARACTER, LEGEND_SYMBOL, LEGEND_GAP, LEGEND_LABEL = 7.5, 24, 18, 260  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The colours of one variant. `paper` is behind a figure that is saved by itself."""

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    colours: tuple[str, ...]

    def variables(self) -> dict[str, str]:
        """Every colour by a name that is the same in all themes."""
        named = {"paper": self.paper, "ink": self.ink, "muted": self.muted, "grid": self.grid}
        return named | {f"colour-{i}": colour for i, colour in enumerate(self.colours)}


LIGHT = Theme(
    name="light", paper="#ffffff", ink="#22252a", muted="#666c75", grid="#e7e6e2",
    colours=(
        "#0072b2", "#d55e00", "#009e73", "#b8609a", "#d99a00", "#43a5dd", "#7a5c3e", "#6b7280",
    ),
)
DARK = Theme(
    name="dark", paper="#16181c", ink="#e9e7e2", muted="#a0a5ae", grid="#2e3238",
    colours=(
        "#4aa8e8", "#f5843d", "#2cc295", "#e08fc4", "#edb944", "#9ad7fa", "#c9a27c", "#a9b0bc",
    ),
)


def steps_of(measured: Quantity) -> dict[str, Any]:
    """For an axis of a quantity: what is counted has no ticks between whole numbers."""
    return {"tickMinStep": 1} if measured.whole else {}


def name_axis(pixels: int, **looks: Any) -> alt.Axis:
    """An axis of names without ticks or line; what is longer than so many pixels is cut."""
    characters = int(pixels / CHARACTER)
    return alt.Axis(
        domain=False, ticks=False, labelExpr=f"truncate(datum.label, {characters})", **looks
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A theme and the submissions of a board: each keeps its colour in every figure."""

    submissions: tuple[str, ...]  # in the order of the legend
    baseline: str = ""  # if there is one, it has the first colour
    notice: str = ""  # to stand below whatever is saved
    theme: Theme = LIGHT

    def colour(self, legend: alt.Legend | None = None) -> alt.Color:
        return alt.Color("submission:N", scale=self._scale(self.theme.colours), legend=legend)

    def dash(self) -> alt.StrokeDash:
        colours, most = len(self.theme.colours), max(self._places.values(), default=0)
        dashes = [DASHES[place // colours % len(DASHES)] for place in range(most + 1)]
        return alt.StrokeDash("submission:N", scale=self._scale(dashes), legend=None)

    def number(self, submission: str) -> tuple[int, int]:
        """The indices of its colour in the theme and of its dashes, for what no chart draws."""
        dash, colour = divmod(self._places[submission], len(self.theme.colours))
        return colour, dash % len(DASHES)

    @property
    def _places(self) -> dict[str, int]:
        """Colours go by name, not by rank: a change of ranks must not repaint them.

        The baseline has the first one, who is called after a colour has that, others what is left.
        """
        names = sorted(self.submissions, key=lambda name: (name != self.baseline, name))
        taken = {self.baseline: 0} if self.baseline in names else {}
        for name in names:
            if name in CALLED and name not in taken and CALLED[name] not in taken.values():
                taken[name] = CALLED[name]
        left = (place for place in count() if place not in taken.values())
        return taken | {name: next(left) for name in names if name not in taken}

    def _scale(self, values: Sequence[Any]) -> alt.Scale:
        places = self._places
        order = [places[submission] for submission in self.submissions]
        return alt.Scale(
            domain=list(self.submissions), range=[values[i % len(values)] for i in order]
        )

    def apply(self, chart: Any) -> Any:
        """The chart, given the fonts, lines and colours of the theme. On a whole chart only."""
        # `chart.configure_axis()` and the like would each copy and check everything in the chart.
        chart.config = self._config()
        return chart

    def _config(self) -> dict[str, Any]:
        theme = self.theme
        return {
            "background": theme.paper, "font": FONT, "aria": False, "padding": PADDING,
            "view": {"stroke": None},
            "axis": {
                "labelColor": theme.muted, "titleColor": theme.muted, "gridColor": theme.grid,
                "domainColor": theme.muted, "tickColor": theme.grid, "labelFontSize": 12,
                "titleFontSize": 12, "titleFontWeight": "normal", "labelPadding": 5,
                "titlePadding": 8, "tickSize": 4, "labelFlush": False, **UNLIMITED,
            },
            "title": {
                "color": theme.ink, "fontSize": 14, "fontWeight": 600, "anchor": "start",
                "offset": 10, "subtitleColor": theme.muted, "subtitleFontSize": 12,
                "subtitlePadding": 4, "limit": 0,
            },
            "legend": {
                "labelColor": theme.ink, "labelFontSize": 13, "labelLimit": LEGEND_LABEL,
                "symbolStrokeWidth": 3, "symbolSize": 220, "columnPadding": LEGEND_GAP,
                "offset": 0,
            },
        }

    def legend_columns(self, width: float) -> int:
        """How many columns of the legend fit the width, and at least one."""
        longest = max(len(name) for name in self.submissions)
        column = min(LEGEND_CHARACTER * longest, LEGEND_LABEL) + LEGEND_SYMBOL + LEGEND_GAP
        return max(1, int(width // column))

    def legend(self, columns: int) -> Any:
        """Names, colours and dashes by themselves."""
        drawn = alt.Legend(
            title=None, symbolType="stroke", symbolOpacity=1, orient="none", legendX=0, legendY=0,
            direction="horizontal", columns=columns,
        )
        lines = _nothing().mark_line()
        return self.apply(lines.encode(self.colour(drawn), self.dash()))

    def notice_below(self) -> Any:
        """The notice by itself."""
        title = alt.TitleParams(
            self.notice, fontSize=11, fontWeight="normal", color=self.theme.muted
        )
        return self.apply(_nothing().mark_point().properties(title=title))


def _nothing() -> alt.Chart:
    return alt.Chart(pl.DataFrame(schema={"submission": pl.String}), width=1, height=1)
