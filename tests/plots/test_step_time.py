"""The figure of a diagnosis, as far as it can be judged without looking."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from mlgolf.analysis.diagnosis.bottleneck import Measurements, diagnosed
from mlgolf.analysis.diagnosis.roofline import Ceilings, Floor
from mlgolf.plots.step_time import PARTS, roofline_chart, step_time_chart, step_time_table
from mlgolf.plots.svg import to_svg
from mlgolf.plots.theme import Style

FLOOR = Floor(compute=0.02, bandwidth=0.06, overhead=0.0, flop=1e9, bytes=1e9, operations=5)
STEP = Measurements(
    real=0.2, replay=0.1, load=0.1, forward=0.03, backward=0.06, optimizer=0.01, floor=FLOOR
)
STYLE = Style(submissions=PARTS)
MACHINE = Ceilings(flops=1e11, bandwidth=1e10)


def texts(chart):
    return {e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text}


def test_parts_fill_the_step():
    table = step_time_table(diagnosed(STEP))
    assert table["percent"].sum() == pytest.approx(100)
    assert table["milliseconds"].sum() == pytest.approx(200)


def test_parts_that_hold_a_step_back_are_marked():
    table = step_time_table(diagnosed(STEP))
    assert table.filter("holds_back")["part"].to_list() == ["input"]


def test_every_part_is_named_with_its_share_and_its_time():
    chart = step_time_chart(step_time_table(diagnosed(STEP)), STYLE, "title", "nadamw on x")
    found = texts(chart)
    assert {"input", "50% · 100 ms", "bandwidth", "title", "nadamw on x"} <= found
    assert {"optimizer", "5% · 10.0 ms"} <= found


def test_figures_are_no_wider_than_a_phone():
    found = diagnosed(replace(STEP, real=2.0, replay=1.9, alone=0.1))
    bars = step_time_chart(step_time_table(found), STYLE, "Bottleneck: other programs", "x " * 99)
    for chart in (bars, roofline_chart(found, MACHINE, STYLE)):
        assert float(ElementTree.fromstring(to_svg(chart)).attrib["width"]) <= 390


def test_the_step_stands_below_the_roof():
    found = texts(roofline_chart(diagnosed(STEP), MACHINE, STYLE))
    assert {"this step: 11.1 GFLOP/s", "100 GFLOP/s measured", "10 GB/s measured"} <= found


def test_the_name_of_the_step_does_not_lie_on_the_slope_of_the_roof():
    floor = replace(FLOOR, flop=0.22e9, bytes=0.0365e9)  # at twice the ridge, near the roof
    step = replace(STEP, forward=0.002, backward=0.003, floor=floor)
    machine = Ceilings(flops=109e9, bandwidth=37e9)
    svg = ElementTree.fromstring(to_svg(roofline_chart(diagnosed(step), machine, STYLE)))
    (name,) = (e for e in svg.iter() if e.text and e.text.startswith("this step"))
    assert name.attrib["text-anchor"] == "start"  # it begins at the point


def test_without_counted_operations_there_is_no_roof():
    assert roofline_chart(diagnosed(replace(STEP, floor=None)), MACHINE, STYLE) is None
