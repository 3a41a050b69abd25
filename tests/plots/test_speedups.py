"""The figure of many methods' speed-ups, as far as it can be judged without looking."""

import math
import re
from xml.etree import ElementTree

import polars as pl
import pytest

from mlgolf.plots.speedups import SCHEMA, WIDTH, speedups_chart
from mlgolf.plots.svg import to_svg
from mlgolf.plots.theme import Style

SLOW = ("w", "slow", 0.7, 0.6, 0.8, "worse")
FAST = ("w", "fast", 1.3, 1.1, math.inf, "better")
WITHOUT = ("w", "another range", None, None, None, "outside")


def drawn(*rows):
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    chart = speedups_chart(table, Style(submissions=("x",)), title="w", ends=(0.5, 2.0))
    return ElementTree.fromstring(to_svg(chart))


def by_layer(svg, kind):
    """Marks of a kind, without axes."""
    return [
        mark for group in svg.iter()
        if (css := group.get("class", "")).startswith(f"mark-{kind} role-mark") and "layer" in css
        for mark in group
    ]


def left_of(mark):
    return float(re.findall(r"translate\(([-\d.]+)", mark.get("transform"))[0])


def intervals(svg):
    """(left end, right end) in pixels, without the line of the baseline, which is upright."""
    rules = [mark for mark in by_layer(svg, "rule") if mark.get("y2") == "0"]
    return [(left_of(mark), left_of(mark) + float(mark.get("x2"))) for mark in rules]


def marks(svg):
    return [(left_of(mark), mark.get("d")) for mark in by_layer(svg, "symbol")]


def corners(path):
    """How far right those of a polygon are, the tip of a triangle first."""
    return [float(pair.split(",")[0]) for pair in re.findall(r"[-\d.]+,[-\d.]+", path)]


def texts(svg):
    return [element.text for element in svg.iter() if element.text]


def test_methods_are_named_from_fast_to_slow():
    found = texts(drawn(SLOW, FAST))
    assert found.index("fast") < found.index("slow")


def test_an_open_interval_is_drawn_to_the_end_of_the_axis():
    ((left, right),) = intervals(drawn(FAST))
    assert left == pytest.approx(WIDTH * math.log(1.1 / 0.5) / math.log(4), abs=0.01)
    assert right == pytest.approx(WIDTH, abs=0.01)


@pytest.mark.parametrize(
    ("speedup", "at", "tip"), [(0.3, 0.0, -1), (1.0, WIDTH / 2, 0), (3.0, WIDTH, 1)]
)
def test_a_speedup_beyond_the_axis_is_a_triangle_at_its_end_that_points_outwards(
    speedup, at, tip
):
    ((place, shape),) = marks(drawn(("w", "m", speedup, 0.2, 5.0, "worse")))
    assert place == pytest.approx(at)
    if tip:
        first, *others = corners(shape)
        assert all((first - other) * tip > 0 for other in others)
    else:
        assert "A" in shape  # arcs: a dot


def test_a_method_without_a_quality_in_common_is_the_last_row_and_says_so():
    found = texts(drawn(WITHOUT, SLOW, FAST))
    assert found.index("another range") > found.index("slow")
    assert "no quality in common" in found


def test_a_workload_without_any_comparable_method_is_drawn():
    assert "no quality in common" in texts(drawn(WITHOUT))
