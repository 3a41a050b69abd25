from dataclasses import replace

import polars as pl
import pytest

from mlgolf.analysis.curves.comparison import compared
from mlgolf.analysis.curves.measurements import read_table
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.core.target import Goal

BASE = "base,1,0.5\nbase,2,0.6\nbase,4,0.65\n"


def comparison(tmp_path, text, baseline="base", *, columns="method,time,quality", **options):
    path = tmp_path / "runs.csv"
    path.write_text(f"{columns}\n{text}")
    time = options.pop("time", None)
    return compared(read_table(path, time=time), baseline, Goal.MAXIMISE, **options)


def test_the_front_has_points_of_the_baseline_too(tmp_path):
    found = comparison(tmp_path, f"{BASE}new,2,0.7\n")
    assert [(point.method, point.time) for point in found.front] == [("base", 1), ("new", 2)]


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("base,1,0.5\nnew,1,0.6\n", {}, "line 2: found one budget of the baseline base, time 1"),
        ("base,1,0.6\nbase,2,0.5\nnew,1,1\n", {},
         "line 2 and .*line 3: .*does not get better.*--goal maximise"),
        ("base,1,0.5\nbase,2,0.5\nnew,1,1\n", {}, "does not get better"),
    ],
)
def test_a_baseline_that_makes_no_curve_is_refused(tmp_path, text, options, told):
    with pytest.raises(ScoringError, match=told):
        comparison(tmp_path, text, **options)


def test_what_differs_is_refused_with_the_lines_where_it_stands(tmp_path):
    text = "base,1,0.5,a\nbase,2,0.6,a\nnew,1,0.6,b\n"
    with pytest.raises(ScoringError, match=r"machines.*line 2 and .*line 4"):
        comparison(tmp_path, text, columns="method,time,quality,machine")


@pytest.mark.parametrize("time", ["petaflops", "gflops", "samples", "images"])
def test_other_names_of_proxies_are_known(tmp_path, time):
    with pytest.raises(ScoringError, match=f"counts {time}, a proxy"):
        comparison(
            tmp_path, f"{BASE}new,2,0.7\n", columns=f"method,{time},quality", time=time
        )


def test_a_draw_of_the_data_says_nothing_of_hardware_and_tuning(tmp_path):
    text = "base,1,0.5,d\nbase,2,0.6,d\nnew,1,0.6,d\n"
    notes = comparison(tmp_path, text, columns="method,time,quality,draw").notes
    assert any("whether hardware, clocks and tuning budgets were" in note for note in notes)


def test_an_unknown_baseline_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(UnknownName, match="Known: base, new"):
        comparison(tmp_path, f"{BASE}new,2,0.7\n", "nobody")


UNFAIR = [
    ("method,time,quality,hardware", "base,1,0.5,V100\nbase,2,0.6,V100\nnew,1,0.6,H100\n",
     {}, "different hardware.*V100 for base, H100 for new"),
    ("method,time,quality,machine", "base,1,0.5,a\nbase,2,0.6,b\nnew,1,0.6,a\n",
     {}, "different machines.*a and b for base"),
    ("method,time,quality,timing", "base,1,0.5,alone\nbase,2,0.6,alone\nnew,1,0.6,paired\n",
     {}, "different ways of timing in one comparison: alone for base, paired for new"),
    ("method,time,quality,tuning_trials", "base,1,0.5,5\nbase,2,0.6,5\nnew,1,0.6,50\n",
     {}, "different tuning budgets"),
    ("method,time,quality,time_unit", "base,1,0.5,s\nbase,2,0.6,s\nnew,1,0.6,h\n",
     {}, "different units of time"),
    ("method,time,quality", "base,1,0.5\nbase,2,0.6\nnew,1,60\n",
     {}, "fractions beside percents: found 0.5 and 60.*line 2 and .*line 4"),
    ("method,time,quality", "base,1,0.5\nbase,2,0.6\nnew,1000,0.6\n",
     {}, "time of new and of base lie 500× apart.*line 2 and .*line 4"),
    ("method,flops,quality", "base,1,0.5\nbase,2,0.6\nnew,1,0.6\n",
     {"time": "flops"}, "counts flops, a proxy"),
    ("method,seed,time,quality", "base,1,1,0.5\nbase,1,2,0.6\nbase,2,1,0.5\nbase,2,2,0.6\n"
     "new,1,1,0.6\n", {}, "new has 1 run at a budget, the baseline 2"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "text", "options", "told"), UNFAIR)
def test_what_differs_in_more_than_the_method_is_refused(tmp_path, columns, text, options, told):
    with pytest.raises(ScoringError, match=f"not fair:(.|\n)*{told}(.|\n)*--unfair"):
        comparison(tmp_path, text, columns=columns, **options)


@pytest.mark.parametrize(("columns", "text", "options", "told"), UNFAIR)
def test_if_it_is_asked_for_it_is_compared_and_labelled(tmp_path, columns, text, options, told):
    found = comparison(tmp_path, text, columns=columns, allow_unfair=True, **options)
    assert len(found.unfair) == 1
    assert found.points


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("method,time,quality,quality_unit", "base,1,0.5,x\nbase,2,0.6,x\nnew,1,60,x\n"),
        ("method,time,quality,time_unit", "base,1,0.5,s\nbase,2,0.6,s\nnew,1000,0.6,s\n"),
    ],
)
def test_numbers_that_look_like_two_units_are_compared_where_the_table_says_that_they_are_one(
    tmp_path, columns, text
):
    assert comparison(tmp_path, text, columns=columns).unfair == ()


def test_what_the_table_does_not_tell_is_noted(tmp_path):
    notes = comparison(tmp_path, f"{BASE}new,2,0.7\n").notes
    assert any("does not say whether hardware, clocks, data" in note for note in notes)
    assert any(note.endswith("hardware, clock, dataset and tuning_trials") for note in notes)


def with_speeds(tmp_path, *speeds, **options):
    path = tmp_path / "t.csv"
    path.write_text(
        "method,seed,time,quality\nbase,0,1,0.5\nbase,0,2,0.6\nchange,0,1.5,0.6\n"
        "base,1,1,0.5\nbase,1,2,0.6\nchange,1,1.5,0.6\n"
    )
    table = read_table(path)
    rows = table.rows.sort("seed").with_columns(pl.Series("speed", speeds))
    return compared(replace(table, rows=rows), "base", Goal.MAXIMISE, **options)


def test_methods_from_machines_of_different_speed_are_not_compared_fairly(tmp_path):
    speeds = [1.2, 1.2, 0.8, 1.2, 1.2, 0.8]
    with pytest.raises(ScoringError, match=r"base 1\.20x, change 0\.80x of the reference"):
        with_speeds(tmp_path, *speeds)
    assert len(with_speeds(tmp_path, *speeds, allow_unfair=True).unfair) == 1


def test_budgets_of_one_method_from_machines_of_different_speed_make_no_fair_curve(tmp_path):
    with pytest.raises(ScoringError, match=r"base 0\.80x to 1\.20x"):
        with_speeds(tmp_path, 1.2, 0.8, 1.2, 1.2, 0.8, 1.2)


def test_methods_that_take_turns_on_machines_of_different_speed_have_a_note(tmp_path):
    found = with_speeds(tmp_path, 1.2, 1.2, 1.2, 0.8, 0.8, 0.8)
    (note,) = (note for note in found.notes if "speed:" in note)
    assert "base 0.80x to 1.20x, change 0.80x to 1.20x of the reference" in note


def test_machines_of_about_one_speed_are_not_told(tmp_path):
    found = with_speeds(tmp_path, 1.2, 1.2, 1.1, 1.2, 1.2, 1.1)
    assert not any("speed:" in note for note in found.notes)
