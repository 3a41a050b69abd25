"""Figures as files: an image in two themes, and the table that it was drawn from beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert

from mlgolf.plots.heading import Heading, headed
from mlgolf.plots.svg import in_columns, recoloured, to_svg, with_ids
from mlgolf.plots.theme import DARK

PIXELS = 2  # of an image, for each of the figure


def save_figure(
    folder: Path, name: str, panels: Sequence[Any], table: pl.DataFrame, columns: int = 1,
    heading: Heading | None = None,
) -> list[Path]:
    """Write NAME.svg, NAME.png, the same with _dark, and NAME.csv.

    Args: panels: charts, which are laid out in so many columns, below a heading if there is one.
    """
    drawn = [with_ids(to_svg(chart), f"{name}{at}_") for at, chart in enumerate(panels)]
    together = in_columns(drawn, min(columns, len(drawn)))
    light = headed(together, heading) if heading else together
    paths = [folder / f"{name}.csv"]
    table.with_columns(without_formulas(pl.col(pl.String))).write_csv(paths[0])
    for ending, svg in (("", light), ("_dark", recoloured(light, DARK))):
        image, pixels = folder / f"{name}{ending}.svg", folder / f"{name}{ending}.png"
        image.write_text(svg, encoding="utf-8")
        pixels.write_bytes(vl_convert.svg_to_png(svg, scale=PIXELS))
        paths += [image, pixels]
    return paths


def without_formulas(text: pl.Expr) -> pl.Expr:
    """Spreadsheets run a cell that starts like a formula: an apostrophe makes it text."""
    return text.str.replace(r"^([=+\-@\t\r])", "'${1}")
