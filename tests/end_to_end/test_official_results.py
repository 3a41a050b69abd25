"""Official results through the command line: score, report, import, export."""

import json
import re
import tarfile
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
TABLE = GOLDEN / "trials.csv"
V05 = ("--competition", "algoperf-0.5", "--tuning", "external")


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("published")
    with tarfile.open(GOLDEN / "raw_logs_example.tar.gz") as archive:
        archive.extractall(root, filter="data")
    return root


def test_the_published_table_scores_as_it_stands(mlgolf):
    told = json.loads(mlgolf(
        "score", TABLE, *V05, "--baseline", "baseline", "--partial", "--json"
    ).stdout)
    first = told["leaderboard"][0]
    assert (first["submission"], round(first["score"], 4)) == ("shampoo_submission", 0.7784)
    assert round(first["geometric_mean_ratio"], 4) == 0.7213
    assert told["notice"] == "AlgoPerf-compatible; not verified by MLCommons"
    assert told.keys() >= {
        "sensitivity", "win_probability", "leave_one_out", "training_time", "bounds", "problems",
    }


@pytest.mark.parametrize(
    ("competition", "tuning", "entrants"),
    [("algoperf-0.5", "external", 11), ("algoperf-0.5", "self", 6),
     ("algoperf-0.6", "external", 2), ("algoperf-0.6", "self", 1)],
)
def test_all_four_boards_print(mlgolf, competition, tuning, entrants):
    printed = mlgolf("score", TABLE, "--competition", competition, "--tuning", tuning).stdout
    assert f"{competition} · {tuning} tuning" in printed
    assert len(re.findall(r"\b0\.\d{4}\b +\S", printed)) >= entrants
    assert "AlgoPerf-compatible; not verified by MLCommons" in printed


def test_a_later_board_is_compared_with_an_earlier_one(mlgolf):
    printed = mlgolf(
        "score", TABLE, "--competition", "algoperf-0.6", "--tuning", "external", "--since",
        "algoperf-0.5", "--bridge", "baseline", "--bridge", "shampoo_submission=shampoo",
    ).stdout
    assert "best times, compared with algoperf-0.5: × " in printed
    assert "machine and harness account for × " in printed


def test_logs_score_as_they_stand_imported_and_exported(mlgolf, logs, tmp_path):
    imported = mlgolf("import", "algoperf", logs, "-o", tmp_path / "run").stdout
    assert "350 trials, 21377 evaluations, 18 problems, under the rules of algoperf-0.5" in imported
    mlgolf("export", "algoperf", tmp_path / "run", "-o", tmp_path / "logs")
    found = [
        json.loads(mlgolf("score", place, "--target-levels", "--json").stdout)
        for place in (logs, tmp_path / "run", tmp_path / "logs")
    ]
    assert [len(told["problems"]) for told in found] == [18, 18, 0]
    for told in found:
        del told["problems"]
    assert found[0] == found[1] == found[2]
    trial = next((tmp_path / "run").rglob("trial.json")).parent
    said = mlgolf("replay", trial, expect=2).stderr
    assert "was imported: it has no code to replay a trial with" in said


def test_a_table_has_a_report_with_what_the_board_hides(mlgolf, tmp_path):
    mlgolf("report", TABLE, *V05, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for title in ("Leaderboard", "Results of every study", "Performance profile", "Win probability",
                  "Leave-one-out", "Training time", "Sensitivity to rule interpretations"):
        assert f"<h2>{title}</h2>" in page
    saved = {path.name for path in (tmp_path / "page_figures").iterdir()}
    for name in ("win_probability", "leave_one_out", "training_time", "performance_profile"):
        assert {f"{name}.svg", f"{name}_dark.svg", f"{name}.csv"} <= saved
        drawn = (tmp_path / "page_figures" / f"{name}.svg").read_text()
        assert "not verified by MLCommons" in drawn
