"""The figure of progress, as far as it can be judged without looking."""

from xml.etree import ElementTree

import pytest

import mlgolf
from mlgolf.plots.svg import specification, to_svg


@pytest.fixture(scope="module")
def alexnet():
    (chart,) = mlgolf.progress("hernandez_brown", target="alexnet-top5-79.1").charts
    return chart


def texts(chart):
    return {e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text}


def test_records_are_named_and_others_are_not(alexnet):
    shown = texts(alexnet)
    assert {"AlexNet", "GoogLeNet", "EfficientNet-b0"} <= shown
    assert "VGG-11" not in shown


def test_the_record_is_a_step_line_and_its_trend_has_a_band(alexnet):
    marks = [layer["mark"] for layer in specification(alexnet)["layer"]]
    assert any(mark.get("interpolate") == "step-after" for mark in marks)
    assert "area" in {mark["type"] for mark in marks}


def test_amounts_are_logarithmic(alexnet):
    scales = {
        layer["encoding"]["y"]["scale"]["type"] for layer in specification(alexnet)["layer"]
    }
    assert scales == {"log"}


def test_every_target_has_a_panel():
    assert len(mlgolf.progress("hernandez_brown").charts) == 4


def test_an_interval_without_an_end_is_said_as_such(tmp_path):
    rows = ["name,date,compute", "a,2012,9", "b,2013,20", "c,2014,3", "d,2015,40", "e,2016,8"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    (chart,) = mlgolf.progress(tmp_path / "t.csv").charts
    assert any("or more)" in text for text in texts(chart))


def test_losses_are_drawn_at_one_compute():
    (chart,) = mlgolf.progress("lm_progress").charts
    assert "log_perplexity at the median compute" in texts(chart)
