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


def test_colours_are_said(alexnet):
    assert {"record", "trend, 95% band", "other entries"} <= texts(alexnet)


def test_no_line_crosses_a_name(alexnet):
    layers = [layer for layer in specification(alexnet)["layer"] if layer["mark"]["type"] == "text"]
    behind, names = layers[:len(layers) // 2], layers[len(layers) // 2:]
    assert {layer["mark"].get("strokeWidth") for layer in behind} == {4}
    assert [layer["data"] for layer in behind] == [layer["data"] for layer in names]


def test_a_saved_figure_has_its_title_and_a_margin(tmp_path):
    found = mlgolf.progress("hernandez_brown", target="alexnet-top5-79.1")
    found.save(tmp_path)
    svg = (tmp_path / "progress.svg").read_text()
    assert "hernandez_brown: compute (1e15 FLOP) to a fixed result" in svg
    assert "Lower is better" in svg


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
    shown = texts(chart)
    assert "log perplexity (nats) at the median compute" in shown
    assert any(text.endswith("times less compute for the same loss") for text in shown)
    marks = [layer["mark"] for layer in specification(chart)["layer"]]
    assert "area" in {mark["type"] for mark in marks}


def test_a_trend_without_a_band_is_not_said_to_have_one():
    (chart,) = mlgolf.progress("hernandez_brown", target="gnmt-bleu-39.92").charts
    assert "trend" in texts(chart)
    assert not any("band" in text for text in texts(chart))
