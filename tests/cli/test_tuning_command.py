"""`mlgolf tuning`, from files to what is printed."""

import json

import numpy as np
import pytest
from conftest import TESTS

import mlgolf as golf

TRIALS = TESTS / "golden" / "trials.csv"
KEYS = {"method", "workload", "goal", "trials", "best", "lower", "upper", "results", "failed"}


@pytest.fixture
def table(tmp_path):
    """Two search spaces, of which the narrow one is better with few trials."""
    rng = np.random.default_rng(0)
    rows = [f"narrow,{value}" for value in 0.7 + 0.1 * rng.random(40)]
    rows += [f"wide,{value}" for value in rng.random(40)]
    path = tmp_path / "search.csv"
    path.write_text("\n".join(["method,quality", *rows, "wide,", ""]))
    return path


def test_the_keys_of_the_json(mlgolf, table):
    said = json.loads(mlgolf("tuning", table, "--json").stdout)
    assert said.keys() >= {"schema_version", "methods", "shared_point", "transfer"}
    narrow, wide = said["methods"]
    assert narrow.keys() == KEYS
    assert (narrow["method"], narrow["trials"]) == ("narrow", [*range(1, 41)])
    assert (wide["results"], wide["failed"]) == (41, 1)
    assert (said["shared_point"], said["transfer"]) == (None, None)
    assert narrow["upper"][-1] is None  # 40 results do not say how good the best of 40 may be


def test_it_says_where_bands_separate(mlgolf, table):
    said = mlgolf("tuning", table).stdout
    assert "narrow is better than wide at 1" in said
    assert "at least 90" in said


def test_bounds_of_the_metric_close_the_band(mlgolf, table):
    bounds = ("--lower-bound", 0, "--upper-bound", 1)
    said = json.loads(mlgolf("tuning", table, *bounds, "--json").stdout)
    assert {method["upper"][-1] for method in said["methods"]} == {1.0}


def test_a_mean_needs_results_of_all_trials_or_a_bound(mlgolf, table):
    assert "wide: 1 of 41 trials" in mlgolf("tuning", table, "--curve", "mean", expect=2).stderr
    mlgolf("tuning", table, "--curve", "mean", "--lower-bound", 0)


def test_a_method_most_of_whose_trials_failed_has_no_result_in_words(mlgolf, tmp_path):
    path = tmp_path / "search.csv"
    path.write_text("method,quality\na,\na,\na,0.5\nb,0.4\nb,0.3\n")
    said = mlgolf("tuning", path).stdout
    assert "no result" in said
    assert "–" not in said
    assert "the column 'quality' (--quality)" in said


def test_fractions_beside_percents_are_told_with_their_lines(mlgolf, tmp_path):
    path = tmp_path / "search.csv"
    path.write_text("method,quality\na,0.5\na,0.6\nb,64\nb,63\n")
    said = " ".join(mlgolf("tuning", path).stdout.split())
    assert "fractions beside percents" in said
    assert "line 2" in said
    assert "line 4" in said


def test_figures_are_written_with_their_tables(mlgolf, table, tmp_path):
    mlgolf("tuning", table, "-o", tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"tuning_curves.svg", "tuning_curves_dark.png", "tuning_curves.csv"} <= names


def test_official_results_have_shared_points_and_transfer(mlgolf):
    said = json.loads(mlgolf(
        "tuning", TRIALS, "--competition", "algoperf-0.5", "--tuning", "external", "--method",
        "baseline", "--json",
    ).stdout)
    assert said["shared_point"][0]["point"] == "trial 5"
    assert {row["variant"] for row in said["transfer"]} >= {"wmt_glu_tanh", "ogbg_model_size"}
    assert said["quality_or_time"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--goal", "up"], "unknown goal 'up'"),
        (["--metric", "speed"], "unknown metric 'speed'"),
        (["--curve", "mode"], "unknown curve 'mode'"),
        (["--confidence", "95"], "confidence: found 95"),
        (["--trials", "0"], "trials: found 0"),
        (["--quality", "loss"], "no column loss"),
        (["--metric", "time"], "no column time"),
        (["--method", "none"], "unknown method 'none'"),
        (["--workload", "none"], "unknown workload 'none'"),
        (["--transfer", "none"], "expected WORKLOAD=VARIANT"),
        (["--lower-bound", "0.5"], "bounds of the metric"),
        (["--lower-bound", "2", "--upper-bound", "1"], "bounds: found 2 and 1"),
    ],
)
def test_a_mistake_is_one_message(mlgolf, table, words, told):
    said = mlgolf("tuning", table, *words, expect=2).stderr
    assert told in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there_is_named(mlgolf, tmp_path):
    assert "none.csv" in mlgolf("tuning", tmp_path / "none.csv", expect=2).stderr


def test_from_python_it_displays_itself(table):
    found = golf.tuning_curves(table, trials=5)
    assert found.table.columns[:6] == ["method", "workload", "trials", "best", "lower", "upper"]
    assert "median best of k trials" in repr(found)
    assert "<svg" in found._repr_html_()


def test_a_run_folder_is_read_by_its_own_rules(mlgolf):
    run = TESTS / "golden" / "run_of_schema_2" / "run"
    said = json.loads(mlgolf("tuning", run, "--json").stdout)
    assert said["methods"]
    assert said["goal"] == "minimise"


def on_machines(folder, *machines):
    """Two methods, a machine each, on which ten trials were made."""
    path = folder / "search.csv"
    rows = [
        f"{method},{0.5 + trial / 100},{machine}"
        for method, machine in zip("ab", machines, strict=True) for trial in range(10)
    ]
    path.write_text("\n".join(["method,quality,machine", *rows]))
    return path


def test_methods_that_were_tuned_on_different_machines_are_told_first(mlgolf, tmp_path):
    path = on_machines(tmp_path, "x", "y")
    said = " ".join(mlgolf("tuning", path).stdout.split())
    assert said.startswith("Not a fair comparison: different machines in one comparison: x for a")
    (complaint,) = json.loads(mlgolf("tuning", path, "--json").stdout)["unfair"]
    assert "search.csv, line 12" in complaint


def test_methods_of_one_machine_are_compared_without_a_word(mlgolf, tmp_path):
    path = on_machines(tmp_path, "x", "x")
    assert json.loads(mlgolf("tuning", path, "--json").stdout)["unfair"] == []


def test_a_machine_of_a_method_that_was_not_asked_for_does_not_matter(mlgolf, tmp_path):
    path = on_machines(tmp_path, "x", "y")
    asked = ("tuning", path, "--method", "a", "--json")
    assert json.loads(mlgolf(*asked).stdout)["unfair"] == []
