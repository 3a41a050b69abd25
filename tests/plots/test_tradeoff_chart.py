"""The figure of a trade-off, as far as it can be judged without looking."""

from pathlib import Path
from xml.etree import ElementTree

from mlgolf.analysis.comparison import compared
from mlgolf.analysis.measurements import read_table
from mlgolf.core.target import Goal
from mlgolf.plots.svg import specification, to_svg
from mlgolf.plots.theme import LIGHT, Style
from mlgolf.plots.tradeoff import tradeoff_chart, tradeoff_charts, tradeoff_table

EXAMPLE = Path(__file__).parents[2] / "docs" / "tables" / "tradeoff_example.csv"


def drawn(path, baseline, notice=""):
    comparison = compared(read_table(path), baseline, Goal.MAXIMISE)
    style = Style(submissions=tuple(comparison.table.points), notice=notice)
    return tradeoff_chart(tradeoff_table(comparison), style, time="hours", quality="accuracy")


def texts(chart):
    return {e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text}


def test_points_are_named_and_carry_their_verdict():
    assert {"violet", "green", "better", "worse", "blue"} <= texts(drawn(EXAMPLE, "blue"))


def test_a_notice_stands_on_the_figure():
    assert "not fair" in texts(drawn(EXAMPLE, "blue", notice="not fair"))


def test_with_seeds_the_curve_has_a_band_and_points_have_intervals(tmp_path):
    path = tmp_path / "runs.csv"
    rows = [f"a,{s},{t},{t / 10 + s / 100}" for s in (1, 2) for t in (1, 2, 4)]
    path.write_text("\n".join(["method,seed,time,quality", *rows, "b,1,2,0.3", "b,2,2,0.31"]))
    marks = {layer["mark"]["type"] for layer in specification(drawn(path, "a"))["layer"]}
    assert {"area", "rule"} <= marks


def test_without_seeds_there_is_neither():
    marks = {layer["mark"]["type"] for layer in specification(drawn(EXAMPLE, "blue"))["layer"]}
    assert not {"area", "rule"} & marks


def test_many_methods_have_a_panel_each_with_the_baseline_in_the_first_colour(tmp_path):
    path = tmp_path / "runs.csv"
    names = ("z", *"abcde")
    rows = [f"{name},{t},{t / 10}" for name in names for t in (1, 2, 4)]
    path.write_text("\n".join(["method,time,quality", *rows]))
    comparison = compared(read_table(path), "z", Goal.MAXIMISE)
    charts = tradeoff_charts(
        tradeoff_table(comparison), Style(submissions=names), time="hours", quality="accuracy",
        told={"a": "no faster"},
    )
    assert len(charts) == 5
    assert {"a", "no faster", "hours"} <= texts(charts[0])
    assert "z" not in texts(charts[0])
    colours = specification(charts[0])["layer"][0]["encoding"]["color"]["scale"]
    assert colours == {"domain": ["z", "a"], "range": [*LIGHT.colours[:2]]}
