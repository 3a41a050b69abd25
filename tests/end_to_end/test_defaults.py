"""What is left out on the command line: the run's folder, the page's place, the data."""

import json
import re
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
ONE_TRIAL = ["--competition", LINEAR, "--trials", 1, "--seed", 1]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder that commands are run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_run_without_out_goes_to_runs_under_its_day_and_name(here, adamw, mlgolf_process):
    said = mlgolf_process("run", adamw, *ONE_TRIAL).stderr
    (run,) = Path("runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-adamw", run.name)
    assert said.splitlines()[0] == f"writing to {run}"
    assert said.splitlines()[-2:] == [f"next: mlgolf score {run}", f"  or: mlgolf report {run}"]


def test_a_second_run_of_the_day_gets_a_folder_of_its_own(here, adamw, mlgolf):
    for _ in range(2):
        mlgolf("run", adamw, *ONE_TRIAL)
    assert sorted(run.name[10:] for run in Path("runs").iterdir()) == ["-adamw", "-adamw-2"]


def test_a_mistake_leaves_no_folder(here, adamw, mlgolf):
    adamw.write_text("def (")
    mlgolf("run", adamw, *ONE_TRIAL, expect=2)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("mistake", ["def (", "import torch\n", None])
def test_a_mistake_is_told_before_anything_is_said_to_be_written(here, adamw, mlgolf, mistake):
    if mistake is None:
        (here / "taken").mkdir()
        (here / "taken" / "file").touch()
    else:
        adamw.write_text(mistake)
    said = mlgolf("run", adamw, *ONE_TRIAL, "--out", "taken", expect=2).stderr
    assert said.startswith("mlgolf: ")


def test_score_and_report_take_the_latest_run_and_say_which(here, adamw, mlgolf):
    mlgolf("run", adamw, *ONE_TRIAL, "--out", "runs/b")
    mlgolf("run", adamw, *ONE_TRIAL, "--studies", 2, "--out", "runs/a")
    scored = mlgolf("score", "--json")
    assert scored.stderr == "reading the latest run, runs/a\n"
    assert json.loads(scored.stdout) == json.loads(mlgolf("score", "runs/a", "--json").stdout)
    assert mlgolf("report").stdout == "runs/a/report.html\n"
    assert "<html" in Path("runs/a/report.html").read_text()


def test_a_report_of_several_runs_goes_to_the_folder_one_is_in(here, adamw, mlgolf):
    other = adamw.with_name("other.py")
    other.write_text(adamw.read_text())
    mlgolf("run", adamw, *ONE_TRIAL, "--out", "a")
    mlgolf("run", other, *ONE_TRIAL, "--out", "b")
    assert mlgolf("report", "a", "b").stdout == "report.html\n"
    assert Path("report.html").exists()


def test_without_any_run_score_says_how_to_make_one(here, mlgolf):
    said = mlgolf("score", expect=2).stderr
    assert f"no run in {here}/runs" in said
    assert "mlgolf run nadamw" in said


def test_resume_without_out_continues_the_latest_run(here, adamw, mlgolf):
    for trials in (2, 1):
        mlgolf("run", adamw, "--competition", LINEAR, "--trials", trials, "--seed", 1)
    (latest,) = Path("runs").glob("*-adamw-2")
    next(latest.rglob("verdict.json")).unlink()
    said = mlgolf("run", adamw, "--competition", LINEAR, "--resume").stderr
    assert said.startswith(f"continuing {latest}\n")
    assert "1 trial, 0 done before, seed 1" in said


def test_a_run_makes_the_data_it_misses_and_says_so(here, adamw, mlgolf):
    said = mlgolf("run", adamw, *ONE_TRIAL, "--data-dir", "new data").stderr
    assert f"making the data of linear in {here}/new data/linear/mini" in said
    again = mlgolf("run", adamw, *ONE_TRIAL, "--data-dir", "new data").stderr
    assert "making" not in again
    assert "TARGET_REACHED" in again


def test_data_that_a_game_declares_are_called_by_its_row(mlgolf, tmp_path):
    game = Path(__file__).with_name("tiny_game")
    said = mlgolf(
        "run", game / "fits.py", "--competition", game, "--studies", 1, "--out", tmp_path / "run",
        "--data-dir", tmp_path / "new", expect=None,
    ).stderr
    assert "making the data of points in" in said


def test_a_mistake_is_found_before_data_are_made(here, mlgolf, monkeypatch):
    plugin = Path(__file__).parents[1] / "plugin"
    monkeypatch.syspath_prepend(plugin)
    said = mlgolf(
        "run", "nadamw", "--framework", "jax", "--competition", plugin / "rare_events.toml",
        "--data-dir", "new", expect=2,
    ).stderr
    assert "rare_events has no jax model" in said
    assert not Path("new").exists()


def test_command_and_makefile_share_one_place_for_data():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    assert "MLGOLF_DATA_DIR" not in makefile
    assert "--data-dir" not in makefile
