"""What a fixed result took over the years: the record as steps, its trend, and everybody else."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from mlgolf.analysis.progress.dates import DAYS
from mlgolf.analysis.progress.history import History
from mlgolf.analysis.progress.language_models import LossHistory
from mlgolf.core.text import significant
from mlgolf.plots.theme import Style
from mlgolf.plots.tuning_curves import apart

WIDTH, HEIGHT = 440, 280
PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 300, 210, 2
POINTS = 25  # of a trend's band
LINE = 14  # pixels between labels
CHARACTER = 6.3  # pixels
LONGEST = 26  # characters of a label
FEW_DECADES = 3  # of an axis
LONG = 2.5  # years: months need no name
ROOM = 1.6  # times the largest and the smallest amount
SCHEMA = {
    "panel": pl.Int64, "kind": pl.String, "submission": pl.String, "date": pl.String,
    "milliseconds": pl.Int64, "amount": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}


def progress_table(histories: Sequence[History | LossHistory]) -> pl.DataFrame:
    """What is drawn. `kind`: record, entry, or trend with its band; `panel`: which history."""
    rows = [
        (panel, *row) for panel, history in enumerate(histories)
        for row in (_rows(history) if isinstance(history, History) else _loss_rows(history))
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def progress_charts(
    histories: Sequence[History | LossHistory], table: pl.DataFrame, style: Style
) -> list[Any]:
    """A panel for each history."""
    alone = len(histories) == 1
    width, height = (WIDTH, HEIGHT) if alone else (PANEL_WIDTH, PANEL_HEIGHT)
    return [
        _panel(history, table.filter(panel=panel), style, width, height)
        for panel, history in enumerate(histories)
    ]


def _rows(history: History) -> Iterator[tuple]:
    entries, held = history.entries, history.held
    for row, name in enumerate(entries.names):
        kind = "record" if held[row] else "entry"
        yield (
            kind, name, entries.dates[row], _milliseconds(entries.years[row]),
            float(entries.amounts[row]), None, None,
        )
    if len(history.frontier) > 1 and history.with_trend:
        years = entries.years[held]
        grid = np.linspace(years[0], years[-1], POINTS)
        line, half = history.trend.log2_at(grid), history.trend.half_width(grid, history.confidence)
        for year, log2, around in zip(grid, line, half, strict=True):
            at = _milliseconds(year)
            yield (
                "trend", "", _day(at), at, float(2**log2), float(2 ** (log2 - around)),
                float(2 ** (log2 + around)),
            )


def _loss_rows(history: LossHistory) -> Iterator[tuple]:
    """Losses as they would be at the compute in the middle, by the fit."""
    entries, fit = history.entries, history.fit
    middle = float(np.median(np.log(entries.amounts)))
    losses = history.losses + fit.gain * (np.log(entries.amounts) - middle)
    for row, name in enumerate(entries.names):
        yield (
            "entry", name, entries.dates[row], _milliseconds(entries.years[row]),
            float(losses[row]), None, None,
        )
    grid = np.linspace(entries.years.min(), entries.years.max(), POINTS)
    line = fit.intercept - fit.gain * middle - fit.yearly * (grid - grid[0])
    half = fit.half_width(grid, middle, history.confidence)
    for year, loss, around in zip(grid, line, half, strict=True):
        at = _milliseconds(year)
        yield (
            "trend", "", _day(at), at, float(loss), float(loss - around), float(loss + around)
        )


def _milliseconds(year: float) -> int:
    return round((year - 1970) * DAYS * 24 * 3600 * 1000)


def _day(milliseconds: int) -> str:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return day.date().isoformat()


def _panel(
    history: History | LossHistory, table: pl.DataFrame, style: Style, width: int, height: int
) -> Any:
    log = isinstance(history, History)
    place = _Place(table, width, height, log=log)
    x, y = place.x(), place.y(_y_title(history))
    trend = table.filter(kind="trend")
    others, records = (table.filter(kind=kind) for kind in ("entry", "record"))
    colour = _colours(history, table, style)
    layers = [
        *_trend(trend, x, y, colour, style),
        alt.Chart(others).mark_point(
            filled=True, size=34, opacity=0.5 if log else 0.8, clip=True
        ).encode(x, y, colour),
        *([
            alt.Chart(records).mark_line(interpolate="step-after", strokeWidth=2).encode(
                x, y, colour
            ),
            alt.Chart(records).mark_point(filled=True, size=58, opacity=1).encode(x, y, colour),
            *_labels(records, place, _y_title(history), style),
        ] if len(records) else []),
    ]  # fmt: skip
    title = alt.TitleParams(_title(history), subtitle=_subtitle(history))
    return style.apply(alt.layer(*layers, width=width, height=height, title=title))


def _colours(history: History | LossHistory, table: pl.DataFrame, style: Style) -> alt.Color:
    """One for each kind that is drawn, with a legend of them."""
    theme, own = style.theme, isinstance(history, LossHistory)
    has_band = table["low"].count() > 0
    band = f", {100 * history.confidence:g}% band" if has_band else ""
    looks = {
        "record": (theme.colours[0], "record"),
        "trend": (theme.colours[1], f"trend{band}"),
        "entry": (theme.muted, "entries" if own else "other entries"),
    }
    drawn = {*table["kind"].to_list()}
    shown = {kind: look for kind, look in looks.items() if kind in drawn}
    said = " : ".join(f"datum.label == '{kind}' ? '{words}'" for kind, (_, words) in shown.items())
    return alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[*shown], range=[colour for colour, _ in shown.values()]),
        legend=alt.Legend(
            title=None, orient="top", direction="horizontal", symbolType="circle", symbolSize=60,
            symbolOpacity=1, symbolStrokeWidth=0, labelFontSize=12, columnPadding=12, offset=4,
            labelExpr=f"{said} : ''",
        ),
    )


def _title(history: History | LossHistory) -> str:
    if isinstance(history, LossHistory):
        return history.entries.target or "Loss with the same compute"
    return history.entries.target or "The record and its trend"


def _subtitle(history: History | LossHistory) -> list[str]:
    """What it takes less of, then how fast."""
    if isinstance(history, LossHistory):
        months, (low, high) = history.fit.doubling_months, history.fit.interval
        factor = history.fit.factor
    else:
        months, (low, high) = history.doubling_months, history.interval
        factor = history.factor
        if not history.with_trend:
            months = math.nan
    times = f"{factor:,.0f}" if 1000 <= factor < 1e7 else significant(factor, 3)
    # "compute (1e15 FLOP)" without its unit
    said = [f"{times} times less {history.quantity.partition(' (')[0]}"]
    if isinstance(history, LossHistory):
        said[0] += " for the same loss"
    if math.isfinite(months):
        half = f"half every {months:.3g} months"
        if math.isfinite(low):
            ends = f"{low:.3g} to {high:.3g}" if math.isfinite(high) else f"{low:.3g} or more"
            half += f" ({ends})"
        said.append(half)
    return said


def _y_title(history: History | LossHistory) -> str:
    if isinstance(history, LossHistory):
        return f"{history.loss.replace('_', ' ')} (nats) at the median compute"
    return f"{history.quantity}, log scale"


class _Place:
    """The axes of a panel, and pixels on them."""

    def __init__(self, table: pl.DataFrame, width: int, height: int, *, log: bool) -> None:
        self.width, self.height, self.log = width, height, log
        times = table["milliseconds"].to_numpy()
        span = max(int(np.ptp(times)), 1)
        self._date_format = "%Y" if span > LONG * _milliseconds(1971) else "%b %Y"
        self.left, self.right = int(times.min() - 0.04 * span), int(times.max() + 0.06 * span)
        points = table.filter(pl.col("kind") != "trend")["amount"]
        low, high = float(points.min()), float(points.max())  # type: ignore[arg-type]
        more = 0.08 * (high - low)
        self.low, self.high = (low / ROOM**1.5, high * ROOM) if log else (low - more, high + more)

    def x(self) -> alt.X:
        return alt.X(
            "milliseconds:T", title=None,
            axis=alt.Axis(grid=False, tickCount=6, format=self._date_format),
            scale=alt.Scale(type="utc", domain=[self.left, self.right], nice=False),
        )

    def y(self, title: str, column: str = "amount") -> alt.Y:
        return alt.Y(
            f"{column}:Q", title=title,
            scale=alt.Scale(
                type="log" if self.log else "linear", domain=[self.low, self.high], nice=False,
                zero=False,
            ),
            axis=alt.Axis(
                domain=False, ticks=False, minExtent=34, format="~s" if self.low > 1 else "~g",
                values=self._ticks(),
            ) if self.log else alt.Axis(domain=False, ticks=False, minExtent=34, tickCount=5),
        )

    def _ticks(self) -> list[float]:
        """Powers of ten; with 2 and 5 times them where there are few."""
        low, high = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1,) if high - low > FEW_DECADES else (1, 2, 5)
        ticks = (step * 10.0**power for power in range(low, high + 1) for step in steps)
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def across(self, milliseconds: float) -> float:
        return (milliseconds - self.left) / (self.right - self.left) * self.width

    def down(self, amount: float) -> float:
        share = math.log(self.high / amount) / math.log(self.high / self.low)
        return share * self.height

    def amount(self, down: float) -> float:
        return self.high * (self.low / self.high) ** (down / self.height)


def _trend(
    trend: pl.DataFrame, x: alt.X, y: alt.Y, colour: alt.Color, style: Style
) -> list[alt.Chart]:
    if trend.is_empty():
        return []
    band = trend.drop_nulls(["low", "high"])
    low = alt.Y("low:Q", title=y["title"], scale=y["scale"], axis=y["axis"])
    return [
        *([alt.Chart(band).mark_area(
            opacity=0.14, color=style.theme.colours[1], clip=True
        ).encode(x, low, alt.Y2("high:Q"))] if len(band) else []),
        alt.Chart(trend).mark_line(strokeWidth=1.4, strokeDash=[6, 3], clip=True).encode(
            x, y, colour
        ),
    ]  # fmt: skip


def _labels(
    records: pl.DataFrame, place: _Place, title: str, style: Style
) -> list[alt.Chart]:
    """Names below the record, where no entry can be: to the left, or to the right if it is near.

    Behind each is paper, so that no line crosses it.
    """
    rows = records.sort("milliseconds")
    heights = apart([place.down(one) + LINE for one in rows["amount"]], LINE, place.height - 4)
    placed = rows.select("milliseconds", "submission").with_columns(
        below=pl.Series([place.amount(height) for height in heights]),
        label=pl.Series([_short(name) for name in rows["submission"]]),
        across=pl.Series([place.across(at) for at in rows["milliseconds"]]),
    )
    is_near = pl.col("across") < pl.col("label").str.len_chars() * CHARACTER
    sides: list[tuple[pl.Expr, dict[str, Any]]] = [
        (is_near, {"align": "left", "dx": -3}), (~is_near, {"align": "right", "dx": 3}),
    ]
    paper = style.theme.paper
    layers: list[dict[str, Any]] = [
        {"color": paper, "stroke": paper, "strokeWidth": 4, "strokeJoin": "round"},
        {"color": style.theme.ink},
    ]
    return [
        alt.Chart(own).mark_text(fontSize=11, baseline="middle", **looks, **colour).encode(
            place.x(), place.y(title, "below"), text="label:N"
        )
        for colour in layers
        for near, looks in sides if len(own := placed.filter(near))
    ]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[:LONGEST - 1]}…"
