"""The figure of many methods' speed-ups, as far as it can be judged without looking."""

import math
from xml.etree import ElementTree

import polars as pl

from mlgolf.plots.speedups import SCHEMA, speedups_chart
from mlgolf.plots.svg import to_svg
from mlgolf.plots.theme import Style


def test_methods_are_named_from_fast_to_slow_and_an_open_interval_is_drawn():
    rows = [
        ("w", "slow", 0.7, 0.6, 0.8, "worse"), ("w", "fast", 1.3, 1.1, math.inf, "better"),
        ("w", "nothing in common", None, None, None, "outside"),
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    svg = to_svg(speedups_chart(table, Style(submissions=("x",)), title="w", ends=(0.5, 2.0)))
    texts = [e.text for e in ElementTree.fromstring(svg).iter() if e.text]
    assert texts.index("fast") < texts.index("slow")
    assert "nothing in common" not in texts
