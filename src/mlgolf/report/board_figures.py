"""The figures beside a leaderboard that was made of kept results, as a website shows them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import polars as pl

from mlgolf.core.text import number_of
from mlgolf.plots.pareto import COSTS, pareto_chart, pareto_table
from mlgolf.plots.record_steps import record_steps
from mlgolf.plots.tables import studies_table
from mlgolf.plots.theme import LIGHT, Style
from mlgolf.report.figures import (
    Figure,
    Sketch,
    draw_sketches,
    profile_sketch,
    studies_sketch,
    twin_sketch,
)
from mlgolf.report.words import noun_on
from mlgolf.scoring.kept_board import KeptBoard
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.twin import Twin

MOST_CURVES = len(LIGHT.colours)  # submissions of a profile: each has a colour of its own
MOST_LINES = 20  # submissions of a panel with a line for each
MOST_POINTS = 2000  # submissions of one chart
COST_IN_WORDS = {
    "seconds": "Seconds: when the model that counts was handed over.",
    "joules": "Joules: what the machine's meter had counted when the model that counts was handed "
              "over, of the whole processor package or GPU, whoever used it.",
    "bits": "Bits: of the model that counts, as the referee measured it.",
}


def draw_board(found: KeptBoard, until: datetime, twin: Twin | None = None) -> list[Figure]:
    """Those that have data: the record, cost against value, workloads, the twin set.

    Args: until: where the last step of the record ends. twin: models on data that no score has
      seen, where there is such.
    """
    best = tuple(entry.submission for entry in found.board.entries[:MOST_CURVES])
    figures = draw_sketches(_sketches(found, until), Style(submissions=best))
    if twin is not None:
        figures += draw_sketches([_of_twin(twin)], _style_of(twin))
    return figures


def _sketches(found: KeptBoard, until: datetime) -> Iterator[Sketch]:
    competition, board = found.standings.competition, found.board
    if found.history:
        yield _of_record(found, until)
    for cost in COSTS:
        table = pareto_table(found, cost)
        if len(table):
            yield _of_pareto(found, table, cost)
    if len(competition.scored_workloads) > 1 and board.entries:
        shown = replace(board, entries=board.entries[:MOST_CURVES])
        sketch = profile_sketch(shown, competition.rules.aggregation)
        yield replace(sketch, caption=sketch.caption + _best_of(len(board.entries), MOST_CURVES))
        yield _of_workloads(found)


def _best_of(entries: int, shown: int) -> str:
    return f" Shown: the best {shown} of {entries:,}." if entries > shown else ""


def _of_record(found: KeptBoard, until: datetime) -> Sketch:
    competition = found.standings.competition
    row = competition.workloads[competition.scored_workloads[0]]
    table = pl.DataFrame([step.as_json() for step in found.history])
    par = " Dashed line: par, the best value that is known." if row.par else ""
    return Sketch(
        name="record", title="History of the record", table=table, panels=[table], coloured=False,
        chart=lambda *_: record_steps(found.history, competition.rules.objective, row, until),
        caption="Each step is an entry that was a record when it came: an exact test over its runs "
        f"says that it is better than the record before, and the gain is no trifle.{par}",
    )


def _of_pareto(found: KeptBoard, table: pl.DataFrame, cost: str) -> Sketch:
    competition = found.standings.competition
    row = competition.workloads[competition.scored_workloads[0]]
    value = noun_on(competition.rules.objective, row)
    table = table[:MOST_POINTS]
    front = number_of(int(table["front"].sum()), "entry")
    return Sketch(
        name=f"value_against_{cost}", title=f"{value[0].upper()}{value[1:]} against {COSTS[cost]}",
        table=table, panels=[table], chart=pareto_chart, coloured=False,
        caption=f"The median run of each entry. Full points on the line are the Pareto front, "
        f"{front}: no other is at least as good in both and better in one. {COST_IN_WORDS[cost]}",
    )


def _of_workloads(found: KeptBoard) -> Sketch:
    competition, board = found.standings.competition, found.board
    names = tuple(entry.submission for entry in board.entries[:MOST_LINES])
    table = studies_table(Standings(competition, found.standings.pool.select(names)))
    sketch, own = studies_sketch(table, competition, board.ruleset), Style(submissions=names)
    return replace(
        sketch, chart=lambda part, _: sketch.chart(part, own),
        caption=sketch.caption + _best_of(len(board.entries), MOST_LINES),
    )


def _style_of(twin: Twin) -> Style:
    names = tuple(dict.fromkeys(twin.submissions))
    return Style(submissions=names if len(names) <= MOST_CURVES else ("",))


def _of_twin(twin: Twin) -> Sketch:
    """With a colour for each submission where there are as many."""
    sketch = twin_sketch(twin)
    if len(set(twin.submissions)) <= MOST_CURVES:
        return sketch
    panels = [panel.with_columns(submission=pl.lit("")) for panel in sketch.panels]
    return replace(sketch, panels=panels, coloured=False)
