"""How much worse each point of a method is than the best one, on every workload."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.learning_rate_curve import CROSS
from mlgolf.plots.log_axis import log_axis
from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 240, 22, 150


def shared_point_panel(table: pl.DataFrame, style: Style) -> Any:
    """One method: a grey point for each of its points, in colour the best one to share.

    Args: table: `method`, `point`, `workload`, `degradation` (null: without a result), `scale` and
      `shared` (whether it is the best one to share). Crosses at the right edge: without a result.
    """
    table = table.rename({"method": "submission"})
    ratio = table["scale"][0] == "ratio"
    least = 1.0 if ratio else 0.0
    largest = table["degradation"].max() or least
    edge = max(2.0, float(largest)) * 1.35 if ratio else max(1.0, float(largest)) * 1.2  # type: ignore[arg-type]
    x = alt.X(
        "shown:Q", axis=log_axis(least, edge, WIDTH, grid=True) if ratio else
        alt.Axis(grid=True, tickCount=4, format="~g"),
        title="time to target, times the best point's (log scale)" if ratio else
        "difference to the best point, in spreads",
        scale=alt.Scale(type="log" if ratio else "linear", domain=[least, edge], nice=False,
                        padding=6),
    )
    workloads = table["workload"].unique(maintain_order=True).to_list()
    y = alt.Y(
        "workload:N", title=None, sort=workloads, scale=alt.Scale(domain=workloads),
        axis=name_axis(LABELS, minExtent=LABELS),
    )
    data = table.with_columns(
        shown=pl.col("degradation").fill_null(edge), failed=pl.col("degradation").is_null()
    ).select("submission", "workload", "shown", "failed", "shared")
    grey, own = data.filter(~pl.col("shared")), data.filter("shared")
    muted = alt.value(style.theme.muted)
    layers = [
        _points(grey, x, y, muted, opacity=0.55), _crosses(grey, x, y, muted, opacity=0.55),
        _points(own, x, y, style.colour(), opacity=1), _crosses(own, x, y, style.colour(), 1),
    ]
    shared = table.filter("shared")["point"]
    said = f"the best to share: {shared[0]}" if len(shared) else ""
    title = alt.TitleParams(table["submission"][0], subtitle=said)
    return style.apply(alt.layer(*layers, title=title, width=WIDTH, height=ROW * len(workloads)))


def _points(data: pl.DataFrame, x: alt.X, y: alt.Y, colour: Any, opacity: float) -> alt.Chart:
    chart = alt.Chart(data.filter(~pl.col("failed")))
    return chart.mark_point(filled=True, size=58, opacity=opacity).encode(x, y, color=colour)


def _crosses(data: pl.DataFrame, x: alt.X, y: alt.Y, colour: Any, opacity: float) -> alt.Chart:
    chart = alt.Chart(data.filter("failed"))
    return chart.mark_point(shape=CROSS, size=60, strokeWidth=2, opacity=opacity).encode(
        x, y, color=colour
    )
