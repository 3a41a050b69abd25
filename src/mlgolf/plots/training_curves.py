"""Training curves: what is followed against seconds on the clock, one panel per workload."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style

WIDTH, HEIGHT = 292, 190
CUT_OFF = 0.1  # of the evaluations, on the worse side


def training_panel(table: pl.DataFrame, style: Style) -> Any:
    """One workload of `tables.curves_table`.

    The best trial of each study is bold, all others are thin behind it. The vertical axis leaves
    out the worst tenth of the values of the best trials, so that a diverging trial or the first
    steps do not compress the rest; but no evaluation that is scored, each marked by a dot. A dashed
    line is the target.
    """
    first = table.row(0, named=True)
    minimised = first["goal"] == "minimise"
    best, others = table.filter("best"), table.filter(~pl.col("best"))
    curve = {
        "x": alt.X("seconds:Q", title="training time, s", scale=_x_scale(best),
                   axis=alt.Axis(grid=False, tickCount=5)),
        "y": alt.Y("value:Q", title=None, scale=_y_scale(best, minimised),
                   axis=alt.Axis(domain=False, ticks=False, tickCount=5, minExtent=34)),
        "detail": alt.Detail("curve:N"),
        "color": style.colour(),
        "strokeDash": style.dash(),
    }
    layers = [
        _lines(others).mark_line(clip=True, strokeWidth=0.8, opacity=0.3).encode(**curve),
        _lines(best).mark_line(clip=True, strokeWidth=1.8).encode(**curve),
        _lines(best.filter("scored")).mark_point(filled=True, size=34, opacity=1).encode(
            curve["x"], curve["y"], curve["color"]
        ),
        *_target_line(first["target"], minimised, style),
    ]
    better = "lower is better" if minimised else "higher is better"
    title = alt.TitleParams(first["workload"], subtitle=f"{first['metric']}, {better}")
    return style.apply(alt.layer(*layers, title=title, width=WIDTH, height=HEIGHT))


def _lines(table: pl.DataFrame) -> alt.Chart:
    curve = pl.format("{} {}", "study", "trial")  # one column is split by in half the time of two
    return alt.Chart(table.select("submission", "seconds", "value", curve=curve))


def _target_line(target: float | None, minimised: bool, style: Style) -> list[alt.Chart]:
    """The target and its label, which stands on the better side, where curves come last."""
    if target is None:
        return []
    data = alt.Chart(pl.DataFrame({"target": [target]})).encode(alt.Y("target:Q"))
    rule = data.mark_rule(strokeDash=[5, 4], color=style.theme.ink, strokeWidth=1)
    label = data.mark_text(
        align="left", baseline="top" if minimised else "bottom", dx=2, dy=8 if minimised else -8,
        color=style.theme.ink, fontSize=12,
    ).encode(alt.XValue(0), alt.TextValue(f"target {target:g}"))
    return [rule, label]


def _x_scale(best: pl.DataFrame) -> alt.Scale:
    longest = best["seconds"].max() or 1.0
    return alt.Scale(domain=[0, float(longest) * 1.02], nice=False)  # type: ignore[arg-type]


def _y_scale(best: pl.DataFrame, minimised: bool) -> alt.Scale:
    values = best["value"].drop_nulls()
    if values.is_empty():
        return alt.Scale(zero=False)
    quantiles = (0.0, 1 - CUT_OFF) if minimised else (CUT_OFF, 1.0)
    marked = [best["target"], best.filter("scored")["value"]]
    seen = [values.quantile(q, "linear") for q in quantiles]
    seen += [value for column in marked for value in column.drop_nulls()]
    low, high = min(seen), max(seen)  # type: ignore[type-var]
    span = high - low or abs(high) or 1.0
    below, above = (0.15, 0.04) if minimised else (0.04, 0.15)  # room for the target's label
    return alt.Scale(domain=[low - below * span, high + above * span], nice=False, zero=False)
