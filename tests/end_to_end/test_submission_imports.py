"""An import that finds the wrong module, or none, is explained before anything is played."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
TINY_GAME = Path(__file__).with_name("tiny_game")
SHORT = """\
from mlgolf.torch import from_optimizer
{imports}
submission = from_optimizer({name}, search_space=[{{"learning_rate": 0.1}}])
"""


@pytest.fixture
def complaint(mlgolf, tmp_path):
    def of(submission: Path) -> str:
        out = tmp_path / "run"
        done = mlgolf("run", submission, "--competition", LINEAR, "--out", out, expect=2)
        assert not out.exists()
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    return of


@pytest.mark.parametrize(
    "imports", ["import schedulefree", "from schedulefree import AdamWScheduleFree"]
)
def test_a_submission_called_like_the_package_that_it_imports_is_told_so(
    complaint, tmp_path, imports
):
    name = "schedulefree.AdamWScheduleFree" if imports[0] == "i" else "AdamWScheduleFree"
    file = tmp_path / "schedulefree.py"
    file.write_text(SHORT.format(imports=imports, name=name))
    said = complaint(file)
    assert "schedulefree.py has the name of the installed package schedulefree and hides it" in said
    assert "Rename schedulefree.py." in said


@pytest.mark.parametrize(
    ("helper", "imports"),
    [("prodigyopt", "from prodigyopt import Prodigy"), ("random", "from random import my_helper")],
)
def test_a_helper_called_like_an_installed_module_is_told_so(complaint, tmp_path, helper, imports):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / f"{helper}.py").write_text("my_helper = 1\n")
    (folder / "submission.py").write_text(imports + "\n")
    said = complaint(folder)
    assert f"{helper}.py, beside the submission, has the name of the installed package" in said
    assert f"Rename {helper}.py." in said


def test_a_module_that_is_on_pythonpath_alone_is_told_so(data_dir, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my_helper.py").write_text("")
    file = tmp_path / "mine.py"
    file.write_text("import my_helper\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "mlgolf", "run", file, "--competition", LINEAR,
         "--out", tmp_path / "run"],
        capture_output=True, text=True,
        env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir), "PYTHONPATH": str(elsewhere)},
    )
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "Neither PYTHONPATH nor the folder of a file given alone is seen" in said
    assert "put both into a folder, name the submission submission.py" in said


def test_an_entry_whose_helper_is_elsewhere_is_told_to_be_called_entry(mlgolf, tmp_path):
    (tmp_path / "mine.py").write_text("import my_helper\ndef play(game): pass\n")
    args = ("--competition", TINY_GAME, "--out", tmp_path / "run")
    said = " ".join(mlgolf("run", tmp_path / "mine.py", *args, expect=2).stderr.split())
    assert "put both into a folder, name the entry entry.py, and give the folder" in said


def test_a_module_without_any_function_is_told_first_what_the_game_takes_first(mlgolf, tmp_path):
    (tmp_path / "mine.py").write_text("def plai(game): pass\n")
    args = ("--competition", TINY_GAME, "--out", tmp_path / "run")
    said = " ".join(mlgolf("run", tmp_path / "mine.py", *args, expect=2).stderr.split())
    assert "mine.py has no function play(game). An entry defines play(game). A subm" in said


def test_where_entries_are_not_taken_none_is_asked_for(complaint, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def plai(game): pass\n")
    assert "play" not in complaint(file).replace("plai", "")


def test_what_the_short_form_cannot_serve_is_refused_before_the_run(complaint, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SHORT.format(imports="import torch", name="torch.optim.Muon"))
    said = complaint(file)
    assert "mlgolf: mine.py: Muon cannot be built: ValueError" in said
    assert "matrices alone" in said
