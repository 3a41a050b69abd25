"""Reading anybody's results of tuning."""

import pytest

from mlgolf.analysis.tuning.report import judge
from mlgolf.analysis.tuning.results import pairs, read_results
from mlgolf.analysis.tuning.sources import Asked, open_results
from mlgolf.core.errors import RunFolderError, ScoringError, UnknownName
from mlgolf.core.target import Goal

POINTS = """\
method,workload,study,point,quality,time
a,w,1,p,0.9,10
a,w,1,q,0.8,5
a,w_tall,1,p,0.7,30
a,w_tall,1,q,0.6,
"""


def written(tmp_path, text, name="runs.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_method_and_quality_are_all_that_a_table_needs(tmp_path):
    found = read_results(written(tmp_path, "method,quality\na,1\na,2\n"))
    assert found.table["value"].to_list() == [1.0, 2.0]
    assert found.goals == {"": Goal.MAXIMISE}


@pytest.mark.parametrize(("goal", "cell"), [("maximise", "-inf"), ("minimise", "inf")])
def test_empty_cells_nan_and_the_worst_infinity_are_no_result(tmp_path, goal, cell):
    path = written(tmp_path, f"method,quality\na,\na,nan\na,{cell}\na,1\n")
    found = read_results(path, goal=Goal(goal))
    assert found.table["value"].to_list() == [None, None, None, 1.0]


@pytest.mark.parametrize(
    ("text", "goal", "told"),
    [
        ("method,quality\na,1\na,inf\n", "maximise", "line 3: quality: found inf.*-inf"),
        ("method,quality\na,-inf\n", "minimise", "line 2: quality: found -inf"),
        ("method,quality\na,1\na,fast\n", "maximise", "line 3: quality: found 'fast'"),
        ("method,loss\na,1\n", "maximise", "no column quality.*--quality"),
        ("quality\n1\n", "maximise", "no column method"),
        ("method,quality\n,1\n", "maximise", "line 2: method"),
        ("method,quality,time\na,1,0\n", "maximise", "line 2: time: found '0'.*above 0"),
        ("method,quality\n", "maximise", "no rows"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_column(tmp_path, text, goal, told):
    with pytest.raises(RunFolderError, match=told):
        read_results(written(tmp_path, text), goal=Goal(goal))


def test_times_are_minimised_and_positive(tmp_path):
    path = written(tmp_path, POINTS)
    found = read_results(path, metric="time")
    assert (found.scale, found.goals["w"]) == ("ratio", Goal.MINIMISE)
    with pytest.raises(RunFolderError, match="minimised"):
        read_results(path, metric="time", goal=Goal.MAXIMISE)


def test_variants_are_known_by_their_names_or_asked_for():
    assert pairs(["w", "v", "w_tall"]) == (("w", "w_tall"),)
    assert pairs(["w", "v"]) == (("w", "v"),)
    assert pairs(["w", "v", "w_tall"], [("v", "w")]) == (("v", "w"),)
    with pytest.raises(UnknownName, match="nowhere"):
        pairs(["w"], [("w", "nowhere")])


def test_a_table_with_points_says_what_sharing_and_transfer_cost(tmp_path):
    said = judge(read_results(written(tmp_path, POINTS), metric="time")).as_json()
    (shared,) = said["shared_point"]
    assert (shared["point"], shared["points"][0]["degradation"]) == ("p", {"w": 2.0, "w_tall": 1.0})
    (carried,) = said["transfer"]
    assert (carried["workload"], carried["variant"]) == ("w", "w_tall")
    assert carried["loss"] == float("inf")


def test_choosing_for_quality_and_for_time_is_compared_where_both_are_known(tmp_path):
    (found,) = judge(read_results(written(tmp_path, POINTS))).chosen
    assert (found.choices.studies, found.choices.differ) == (2, 1)
    assert found.choices.time_factor == pytest.approx(2 ** 0.5)


def test_points_are_taken_by_the_median_over_their_repetitions(tmp_path):
    rows = [("x", "p", "1"), ("x", "p", "3"), ("x", "p", "9"), ("x", "q", "2"), ("y", "p", "1"),
            ("y", "q", "4")]  # fmt: skip
    text = "method,workload,point,time\n" + "".join(f"a,{w},{p},{t}\n" for w, p, t in rows)
    report = judge(read_results(written(tmp_path, text), metric="time"))
    assert report.sharing["a"].points[0].degradation == {"x": 1.5, "y": 1.0}
    assert any("several times" in note for note in report.notes)


def test_one_can_choose_methods_and_workloads(tmp_path):
    path = written(tmp_path, POINTS)
    found = open_results([path], Asked(workloads=["w"]))
    assert found.workloads == ["w"]
    with pytest.raises(UnknownName, match="method 'b'"):
        open_results([path], Asked(methods=["b"]))


def test_where_no_trial_has_a_result_there_is_nothing_to_compare(tmp_path):
    path = written(tmp_path, "method,time\na,inf\nb,\n")
    with pytest.raises(ScoringError, match="none of 2 trials has a result"):
        judge(read_results(path, metric="time"))
