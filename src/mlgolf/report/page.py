"""One page per competition that can be mailed, printed and read offline.

Style, script and figures are all in the page. Its content security policy allows no other script
and no download, even if the name of a submission contains HTML.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from mlgolf import __version__
from mlgolf.core.trial import Trial
from mlgolf.plots.svg import drawn_here
from mlgolf.plots.tables import studies_table
from mlgolf.plots.theme import DARK, LIGHT, Theme
from mlgolf.report import sections
from mlgolf.report.board import heading, leaderboard_section
from mlgolf.report.figures import Begin, Progress, draw_figures, unwatched
from mlgolf.report.html import Html, join
from mlgolf.report.run_sections import runs_section
from mlgolf.report.spikes import spikes_section
from mlgolf.report.triage import triage_section
from mlgolf.report.view import review_view
from mlgolf.scoring.review import Review
from mlgolf.scoring.twin import twin
from mlgolf.triage.looked_at import LookedAt

HERE = files("mlgolf.report")

# The button switches the theme; #dark or #light at the end of the address selects one.
SCRIPT = """
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
if (location.hash === "#dark" || location.hash === "#light") {
  root.dataset.theme = location.hash.slice(1);
}
const button = document.getElementById("theme");
button.hidden = false;
button.addEventListener("click", () => {
  const now = root.dataset.theme || (dark.matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
});
"""


def write_report(
    review: Review, trials: Sequence[Trial], path: Path, progress: Progress = unwatched,
    begin: Begin = drawn_here, *, looked_at: Sequence[LookedAt] = (),
) -> None:
    """Write the page to `path`, and its figures and tables into `<stem>_figures/` beside it.

    Args:
      trials: those of the board, if they are known, also those that do not count.
      progress: told of each drawing before it is waited for, with what is done and how much there
        is.
      begin: begins to draw a chart, here or elsewhere.
      looked_at: the submissions whose code is known, as triage has read it.
    """
    view, board = review_view(review), review.board
    competition = review.standings.competition
    counted = [t for t in trials if review.standings.pool.place(t.key) is not None]
    compared = twin(competition, counted, board.ruleset)
    figures = draw_figures(review, trials, progress, begin, compared)
    folder = path.with_name(f"{path.stem}_figures")
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        figure.save(folder)
    studies = studies_table(review.standings, trials)
    body = join([
        heading(view.board),
        leaderboard_section(view.board),
        runs_section(view.runs),
        *sections.figure_sections(board, figures, folder.name),
        sections.further_section(view),
        sections.sensitivity_section(view),
        *([
            sections.hyperparameters_section(studies, board),
            sections.endings_section(trials),
            spikes_section(trials),
            sections.machine_section(trials),
        ] if trials else []),
        triage_section(looked_at),
        sections.problems_section(view),
        sections.footer(competition, __version__),
    ])
    path.write_text(page(view.board.title, body), encoding="utf-8")


def page(title: str, body: Html) -> str:
    """A whole HTML document."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=sections.text(title),
        css=colour_variables() + (HERE / "page.css").read_text(encoding="utf-8"),
        body=body,
        script=SCRIPT,
        script_hash=f"sha256-{digest}",
    )


def colour_variables() -> str:
    """Light, unless the reader's system or the button asks for dark."""
    dark = _block(DARK)
    return (
        f":root {{ color-scheme: light dark; {_block(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f":root[data-theme=dark] {{ {dark} }}\n"
    )


def _block(theme: Theme) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in theme.variables().items())
