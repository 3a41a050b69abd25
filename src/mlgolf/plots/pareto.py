"""What submissions reached against what it took, and which of them no other beats in both."""

import math
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.curves.pareto import pareto_front
from mlgolf.core.quantities import quantity
from mlgolf.plots.free_labels import ALIGNED, free_labels
from mlgolf.plots.label_places import Box
from mlgolf.plots.log_axis import PLAIN, log_axis
from mlgolf.plots.theme import Style, steps_of
from mlgolf.scoring.kept_board import KeptBoard
from mlgolf.scoring.studies import median_study, study_values

WIDTH, HEIGHT = 420, 270
MARK = 4.5  # pixels from the middle of a point to its edge
MOST_NAMED = 12  # submissions; of more, those on the front alone are named
WIDE = 8.0  # of costs: the ratio from which their axis is logarithmic
COSTS = {
    "seconds": "seconds on the clock", "joules": "joules of energy", "bits": "bits of the model",
}
PARETO = {
    "submission": pl.String, "cost": pl.String, "spent": pl.Float64, "quantity": pl.String,
    "value": pl.Float64, "unit": pl.String, "minimised": pl.Boolean, "front": pl.Boolean,
}


def pareto_table(found: KeptBoard, cost: str) -> pl.DataFrame:
    """The median run of each submission on the one scored workload, where its cost is known.

    Empty where there are several, where the cost is what is minimised, or where it differs nowhere.

    Args: cost: of COSTS.
    """
    standings, nothing = found.standings, pl.DataFrame(schema=PARETO)
    competition = standings.competition
    scored, objective = competition.scored_workloads, competition.rules.objective_quantity
    if len(scored) != 1 or _is_the_cost(objective.name, cost):
        return nothing
    column = standings.pool.workloads.index(scored[0])
    aggregation = competition.rules.aggregation
    spent = study_values(standings.pool, getattr(standings.pool, cost), standings.chosen)
    values, costs = (array[:, column] for array in median_study(
        standings.studies, spent, aggregation.interpretations,
        reached_share=aggregation.reached_share,
    ))
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(costs))
    if len(np.unique(costs[known])) < 2 or len(np.unique(values[known])) < 2:
        return nothing
    minimised = bool(standings.minimised[column])
    unit = competition.workloads[scored[0]].unit(objective.name)
    return pl.DataFrame({
        "submission": [standings.pool.submissions[row] for row in known],
        "cost": cost, "spent": costs[known], "quantity": objective.name,
        "value": values[known] if minimised else -values[known], "unit": unit,
        "minimised": minimised, "front": pareto_front(costs[known], values[known]),
    }, schema=PARETO)  # fmt: skip


def _is_the_cost(objective: str, cost: str) -> bool:
    """Whether one says the other."""
    if cost == "bits":
        return objective in ("bits", "artifact_bytes")
    measured = quantity(objective)
    return measured.is_of_a_meter if cost == "joules" else measured.accumulates


def pareto_chart(table: pl.DataFrame, style: Style) -> Any:
    """The front as a line through full points, others hollow; names where there is room."""
    first = table.row(0, named=True)
    measured, unit, theme = quantity(first["quantity"]), first["unit"], style.theme
    costs, values = table["spent"].to_numpy(), table["value"].to_numpy()
    wide = bool(costs.min() > 0 and costs.max() / costs.min() >= WIDE)
    left, right = _ends(costs, logarithmic=wide)
    low, high = _ends(values, logarithmic=False)
    said = COSTS[first["cost"]] + " (log scale)" * wide
    x = alt.X(
        "spent:Q", title=said,
        scale=alt.Scale(type="log" if wide else "linear", domain=[left, right], nice=False,
                        zero=False),
        axis=log_axis(left, right, WIDTH, grid=False) if wide else alt.Axis(
            grid=False, tickCount=5, labelOverlap="greedy", format="~s" if right >= 1e5 else PLAIN
        ),
    )
    y = alt.Y(
        "value:Q", title=f"{measured.noun}{'' if unit == '1' else f', {unit}'}",
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, **steps_of(measured)),
    )
    front, others = table.filter("front").sort("spent"), table.filter(~pl.col("front"))
    layers = [alt.Chart(front).mark_line(
        interpolate="step-after", color=theme.colours[0], strokeWidth=1.4, opacity=0.7
    ).encode(x, y)]
    if len(others):
        layers.append(alt.Chart(others).mark_point(
            size=38, strokeWidth=1.5, color=theme.muted, fill=theme.paper, opacity=1
        ).encode(x, y))
    layers.append(alt.Chart(front).mark_point(
        filled=True, size=52, color=theme.colours[0], opacity=1
    ).encode(x, y))

    def across(cost: float) -> float:
        if wide:
            return math.log(cost / left) / math.log(right / left) * WIDTH
        return (cost - left) / (right - left) * WIDTH

    def back(pixels: float) -> float:
        share = pixels / WIDTH
        return left * (right / left) ** share if wide else left + share * (right - left)

    ordered = pl.concat([front, others])
    at = [
        (across(row["spent"]), (high - row["value"]) / (high - low) * HEIGHT)
        for row in ordered.iter_rows(named=True)
    ]
    named = ordered if len(ordered) <= MOST_NAMED else front
    names = named["submission"].to_list()
    labels = free_labels(
        names, at[:len(named)], [Box(a - MARK, b - MARK, a + MARK, b + MARK) for a, b in at],
        Box(0, -MARK, WIDTH + 40, HEIGHT),
    )
    for side, align in ALIGNED:
        if own := [label for label in labels if label.side == side]:
            data = pl.DataFrame({
                "submission": [names[label.place] for label in own],
                "spent": [back(label.x) for label in own],
                "value": [high - label.y / HEIGHT * (high - low) for label in own],
            })
            layers.append(alt.Chart(data).mark_text(
                align=align, baseline="middle", fontSize=11, color=theme.ink
            ).encode(x, y, alt.Text("submission:N")))
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT))


def _ends(values: np.ndarray, *, logarithmic: bool) -> tuple[float, float]:
    """Of an axis, with room around the values."""
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        room = (high / low) ** 0.08
        return low / room, high * room
    room = 0.1 * (high - low or abs(high) or 1.0)
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room
