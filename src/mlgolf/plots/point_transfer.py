"""Whether points keep their ranks from a workload to its variant."""

from typing import Any

import altair as alt
import polars as pl

from mlgolf.plots.theme import Style, name_axis

WIDTH, ROW, LABELS = 200, 24, 210


def transfer_panel(table: pl.DataFrame, style: Style) -> Any:
    """One method: Kendall's tau of each pair with its interval, and the loss in words.

    Args: table: `method`, `workload`, `variant`, `tau`, `lower` and `upper` (null: too few points)
      and `said`, which stands to the right.
    """
    table = table.rename({"method": "submission"}).with_columns(
        pair=pl.struct("workload", "variant").map_elements(_pair, return_dtype=pl.String)
    )
    pairs = table["pair"].to_list()
    y = alt.Y(
        "pair:N", title=None, sort=pairs, scale=alt.Scale(domain=pairs),
        axis=name_axis(LABELS, minExtent=LABELS),
    )
    data = table.select("submission", "pair", "tau", "lower", "upper", "said")
    whole, bounded = data.drop_nulls("tau"), data.drop_nulls(["lower", "upper"])
    words = data.with_columns(tau=pl.lit(1.0))
    layers = [
        alt.Chart(bounded).mark_rule(strokeWidth=3, opacity=0.35).encode(
            _x("lower"), alt.X2("upper:Q"), y, style.colour()
        ),
        alt.Chart(whole).mark_point(filled=True, size=64, opacity=1).encode(
            _x("tau"), y, style.colour()
        ),
        alt.Chart(words).mark_text(
            align="left", dx=10, fontSize=12, color=style.theme.muted
        ).encode(_x("tau"), y, alt.Text("said:N")),
    ]
    title = alt.TitleParams(table["submission"][0])
    return style.apply(alt.layer(*layers, title=title, width=WIDTH, height=ROW * len(pairs)))


def _pair(names: dict[str, str]) -> str:
    """"wmt → post_ln" for wmt and wmt_post_ln."""
    return f"{names['workload']} → {names['variant'].removeprefix(names['workload'] + '_')}"


def _x(column: str) -> alt.X:
    return alt.X(
        f"{column}:Q", title="rank correlation of points (Kendall's tau)",
        scale=alt.Scale(domain=[-1, 1]), axis=alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format="~g"),
    )
