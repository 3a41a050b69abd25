"""How the record of a competition came down: its value against the moment when it was set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from mlgolf.core.quantities import quantity
from mlgolf.core.rules import WorkloadRules
from mlgolf.plots.date_axis import date_axis, milliseconds
from mlgolf.plots.free_labels import ALIGNED, Align, free_labels
from mlgolf.plots.label_places import Box
from mlgolf.plots.theme import LIGHT, Style, steps_of
from mlgolf.scoring.record_history import RecordStep

WIDTH, HEIGHT = 620, 250
ROOM = 0.15  # above and below, as a share of the range
SHORTEST = timedelta(minutes=10)  # of the axis
MARK = 4.0  # pixels from the middle of a point to its edge


def record_steps(
    steps: Sequence[RecordStep], objective: str, row: WorkloadRules, until: datetime
) -> Any:
    """Steps with a point for each record; par as a dashed line.

    Names stand at the points where there is room for them, the newest first.

    Args: row: of the one scored workload. until: where the last step ends.
    """
    style, measured = Style(submissions=(), theme=LIGHT), quantity(objective)
    par = None if row.par is None else row.par.value
    unit = row.unit(objective)
    begin, end = _ends(steps, until)
    seen = [*(step.value for step in steps), *([] if par is None else [par])]
    low, high = _range(seen)
    table = pl.DataFrame({
        "at": [milliseconds(step.received) for step in steps],
        "value": [step.value for step in steps],
    })
    last = pl.DataFrame({"at": [milliseconds(end)], "value": [steps[-1].value]})
    axis, title = date_axis(begin, end, grid=False, labelFlush=False)
    x = alt.X(
        "at:T", title=title or None, axis=axis,
        scale=alt.Scale(type="utc", domain=[milliseconds(begin), milliseconds(end)], nice=False),
    )
    y = alt.Y(
        "value:Q", title=f"{measured.noun}{'' if unit == '1' else f', {unit}'}",
        axis=alt.Axis(domain=False, ticks=False, tickCount=5, **steps_of(measured)),
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
    )
    colour = style.theme.colours[0]
    layers = [
        alt.Chart(pl.concat([table, last])).mark_line(
            interpolate="step-after", color=colour, strokeWidth=1.6
        ).encode(x, y),
        alt.Chart(table).mark_point(filled=True, size=42, color=colour, opacity=1).encode(x, y),
    ]
    if par is not None:
        data = alt.Chart(pl.DataFrame({"value": [par]}))
        layers += [
            data.mark_rule(strokeDash=[5, 4], color=style.theme.ink, strokeWidth=1).encode(y),
            data.mark_text(
                align="left", baseline="middle", dx=6, color=style.theme.ink, fontSize=11
            ).encode(alt.XValue(WIDTH), y, alt.TextValue(f"par {measured.number(par)}")),
        ]
    scale = _Scale(begin=begin, end=end, low=low, high=high)
    layers += [
        alt.Chart(own).mark_text(
            align=align, baseline="middle", fontSize=11, color=style.theme.ink
        ).encode(x, y, alt.Text("submission:N"))
        for align, own in _names(steps, scale, end, par)
    ]
    return style.apply(alt.layer(*layers, width=WIDTH, height=HEIGHT))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Between moments with values, and pixels."""

    begin: datetime
    end: datetime
    low: float
    high: float

    def pixels(self, moment: datetime, value: float) -> tuple[float, float]:
        across = (moment - self.begin) / (self.end - self.begin) * WIDTH
        return across, (self.high - value) / (self.high - self.low) * HEIGHT

    def at(self, x: float, y: float) -> tuple[int, float]:
        moment = self.begin + x / WIDTH * (self.end - self.begin)
        return milliseconds(moment), self.high - y / HEIGHT * (self.high - self.low)


def _ends(steps: Sequence[RecordStep], until: datetime) -> tuple[datetime, datetime]:
    """Of the axis, with room before the first record."""
    first, last = steps[0].received, max(until, steps[-1].received)
    span = max(last - first, SHORTEST)
    return first - 0.03 * span, max(last, first + span)


def _range(seen: Sequence[float]) -> tuple[float, float]:
    """Of the vertical axis; it does not go below zero where no value does."""
    room = ROOM * (max(seen) - min(seen) or abs(max(seen)) or 1.0)
    low = min(seen) - room
    return (max(low, 0.0) if min(seen) >= 0 else low), max(seen) + room


def _names(
    steps: Sequence[RecordStep], scale: _Scale, end: datetime, par: float | None
) -> Iterator[tuple[Align, pl.DataFrame]]:
    """Where names begin, and where those to the left of their points end."""
    corners = [scale.pixels(step.received, step.value) for step in steps]
    covered = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in corners]
    for (x, y), (next_x, next_y) in pairwise([*corners, scale.pixels(end, steps[-1].value)]):
        covered.append(Box(x, y - 1, next_x, y + 1))
        covered.append(Box(next_x - 1, min(y, next_y), next_x + 1, max(y, next_y)))
    if par is not None:
        _, level = scale.pixels(end, par)
        covered.append(Box(0, level - 1, WIDTH, level + 1))
    newest = [*reversed(range(len(steps)))]
    found = free_labels(
        [steps[number].submission for number in newest], [corners[number] for number in newest],
        covered, Box(0, -MARK, WIDTH, HEIGHT),
    )
    for side, align in ALIGNED:
        if own := [label for label in found if label.side == side]:
            places = [scale.at(label.x, label.y) for label in own]
            yield align, pl.DataFrame({
                "at": [at for at, _ in places], "value": [value for _, value in places],
                "submission": [steps[newest[label.place]].submission for label in own],
            })
