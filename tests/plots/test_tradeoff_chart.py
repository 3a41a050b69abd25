"""The figure of a trade-off, as far as it can be judged without looking."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from mlgolf.analysis.curves.comparison import compared
from mlgolf.analysis.curves.measurements import read_table
from mlgolf.core.target import Goal
from mlgolf.plots.svg import specification, to_svg
from mlgolf.plots.theme import LIGHT, Style
from mlgolf.plots.tradeoff import Told, tradeoff_chart, tradeoff_charts, tradeoff_table

TOLD = {"violet": Told("0.7×", "worse"), "green": Told("1.4×", "better")}
EXAMPLE = Path(__file__).parents[2] / "docs" / "tables" / "tradeoff_example.csv"


def drawn(path, baseline, goal=Goal.MAXIMISE, told=TOLD):
    comparison = compared(read_table(path), baseline, goal)
    style = Style(submissions=tuple(comparison.table.points), baseline=baseline)
    table = tradeoff_table(comparison)
    return tradeoff_chart(table, style, time="hours", quality="accuracy", goal=goal, told=told)


def texts(chart):
    return {e.text for e in ElementTree.fromstring(to_svg(chart)).iter() if e.text}


def written(folder, *rows):
    path = folder / "runs.csv"
    path.write_text("\n".join(["method,seed,time,quality", *rows]))
    return path


def test_methods_are_named_and_carry_their_verdict():
    assert {"violet", "green", "better", "worse", "blue"} <= texts(drawn(EXAMPLE, "blue"))


def test_a_name_to_the_left_of_its_point_ends_there():
    svg = ElementTree.fromstring(to_svg(drawn(EXAMPLE, "blue")))
    sides = {e.text: e.attrib.get("text-anchor", "start") for e in svg.iter() if e.text}
    assert (sides["orange"], sides["violet"]) == ("end", "start")


def test_ticks_of_time_are_plain_numbers_all_over_the_range(tmp_path):
    rows = [f"a,{s},{t},{t ** 0.5 + s}" for s in (1, 2) for t in (80, 300, 900)]
    path = written(tmp_path, *rows, "b,1,80,9", "b,2,80,10")
    assert {"100", "200", "500"} <= texts(drawn(path, "a"))


def test_losses_that_differ_much_have_a_logarithmic_axis_that_no_interval_below_0_disturbs(
    tmp_path,
):
    rows = [f"a,{s},{t},{5 / t + s}" for s in (0, 0.9) for t in (1, 4, 16)]
    path = written(tmp_path, *rows, "b,0,2,2", "b,0.9,2,3")
    chart = drawn(path, "a", goal=Goal.MINIMISE)
    assert "accuracy (log scale)" in texts(chart)
    scale = specification(chart)["layer"][0]["encoding"]["y"]["scale"]
    assert scale["type"] == "log"
    assert scale["domain"][0] > 0


def test_what_cannot_be_told_apart_is_hollow(tmp_path):
    rows = [f"a,{s},{t},{t + s / 10}" for s in (1, 2) for t in (1, 2, 4)]
    same, far = (
        specification(drawn(written(tmp_path, *rows, f"b,1,2,{q}", f"b,2,2,{q + 0.1}"), "a"))
        for q in (2.1, 3.5)
    )
    assert ["fill" in mark for mark in points_of(same)] == [True, False]  # b, and then a
    assert ["fill" in mark for mark in points_of(far)] == [False]


def test_estimates_without_a_test_are_hollow():
    marks = points_of(specification(drawn(EXAMPLE, "blue")))
    assert ["fill" in mark for mark in marks] == [True, False]  # all but blue, and then blue


def points_of(chart):
    return [layer["mark"] for layer in chart["layer"] if layer["mark"]["type"] == "point"]


def test_with_seeds_the_curve_has_a_band_and_points_have_intervals(tmp_path):
    path = tmp_path / "runs.csv"
    rows = [f"a,{s},{t},{t / 10 + s / 100}" for s in (1, 2) for t in (1, 2, 4)]
    path.write_text("\n".join(["method,seed,time,quality", *rows, "b,1,2,0.3", "b,2,2,0.31"]))
    marks = {layer["mark"]["type"] for layer in specification(drawn(path, "a"))["layer"]}
    assert {"area", "rule"} <= marks


def test_a_bar_is_as_long_as_the_band_is_high_there_also_where_times_vary(tmp_path):
    rows = [
        f"{name},{s},{t * faster * (1 + late)},{t / 10 + off}" for t in (1, 2, 4)
        for name, faster in (("a", 1), ("b", 0.9))
        for s, late, off in ((1, 0, 0), (2, 0.1, 0.002), (3, -0.1, 0.004))
    ]
    table = tradeoff_table(compared(read_table(written(tmp_path, *rows)), "a", Goal.MAXIMISE))
    for bar in table.filter(kind="point").iter_rows(named=True):
        curve = table.filter(kind="curve", submission=bar["submission"])
        there = curve.row(int((curve["time"] - bar["time"]).abs().arg_min()), named=True)
        assert bar["high"] - bar["low"] == pytest.approx(there["high"] - there["low"])


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
        goal=Goal.MAXIMISE, told={"a": Told("1×", "no faster")},
    )
    assert len(charts) == 5
    assert {"a", "1×: no faster", "hours"} <= texts(charts[0])
    assert "z" not in texts(charts[0])
    colours = specification(charts[0])["layer"][0]["encoding"]["color"]["scale"]
    assert colours == {"domain": ["z", "a"], "range": [*LIGHT.colours[:2]]}


def test_a_few_methods_of_one_point_each_share_a_chart(tmp_path):
    rows = [f"a,{t},{t / 10}" for t in (1, 2, 4)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["method,time,quality", *rows, *(f"m{n},2,0.{n}" for n in range(6))]))
    comparison = compared(read_table(path), "a", Goal.MAXIMISE)
    style = Style(submissions=tuple(comparison.table.points), baseline="a")
    (chart,) = tradeoff_charts(
        tradeoff_table(comparison), style, time="hours", quality="accuracy", goal=Goal.MAXIMISE,
        told={},
    )
    assert {f"m{n}" for n in range(6)} <= texts(chart)
