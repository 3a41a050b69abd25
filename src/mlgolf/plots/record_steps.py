"""How the record of a competition came down: its value against the day on which it was set."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import quantity
from mlgolf.core.rules import WorkloadRules
from mlgolf.plots.theme import LIGHT, Style, steps_of
from mlgolf.scoring.record_history import RecordStep

WIDTH, HEIGHT = 560, 240
ROOM = 0.15  # above and below, as a share of the range


def record_steps(
    steps: Sequence[RecordStep], objective: str, row: WorkloadRules, until: datetime
) -> Any:
    """Steps with a point for each record, named after its submission; par as a dashed line.

    Args: row: of the one scored workload. until: where the last step ends.
    """
    style, measured = Style(submissions=(), theme=LIGHT), quantity(objective)
    par = None if row.par is None else row.par.value
    unit = row.unit(objective)
    table = pl.DataFrame({
        "at": [_milliseconds(step.received) for step in steps],
        "value": [step.value for step in steps],
        "submission": [step.submission for step in steps],
    })
    end = pl.DataFrame({
        "at": [_milliseconds(until)], "value": [steps[-1].value], "submission": [""],
    })
    seen = [*table["value"], *([] if par is None else [par])]
    room = ROOM * (max(seen) - min(seen) or abs(max(seen)) or 1.0)
    x = alt.X("at:T", title=None, axis=alt.Axis(grid=False, tickCount=6, labelOverlap=True))
    y = alt.Y(
        "value:Q", title=f"{measured.noun}{'' if unit == '1' else f', {unit}'}",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, **steps_of(measured)),
        scale=alt.Scale(domain=[min(seen) - room, max(seen) + room], nice=False, zero=False),
    )
    colour = style.theme.colours[0]
    layers = [
        alt.Chart(pl.concat([table, end])).mark_line(
            interpolate="step-after", color=colour, strokeWidth=1.6
        ).encode(x, y),
        alt.Chart(table).mark_point(filled=True, size=42, color=colour, opacity=1).encode(x, y),
        alt.Chart(table).mark_text(
            align="left", baseline="bottom", dx=5, dy=-5, fontSize=11, color=style.theme.ink
        ).encode(x, y, alt.Text("submission:N")),
    ]
    if par is not None:
        data = alt.Chart(pl.DataFrame({"value": [par]}))
        layers += [
            data.mark_rule(strokeDash=[5, 4], color=style.theme.ink, strokeWidth=1).encode(y),
            data.mark_text(
                align="right", baseline="bottom", dy=-3, color=style.theme.ink, fontSize=11
            ).encode(alt.XValue(WIDTH), y, alt.TextValue(f"par {measured.number(par)}")),
        ]
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT))


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1000)
