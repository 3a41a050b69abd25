"""What a module offers is read from its names, without running it."""

import pytest

from mlgolf.core.errors import SubmissionError
from mlgolf.referee.freeze import Source, find_submission


@pytest.mark.parametrize(
    ("code", "contract"),
    [
        ("def play(game): ...", "entry"),
        ("from helpers import play", "entry"),
        ("from helpers import solve as play", "entry"),
        ("play = print", "entry"),
        ("def update_params(): ...", "submission"),
        ("class Game:\n    def play(self): ...", "submission"),
        ("raise SystemExit('never run')\ndef play(game): ...", "entry"),
        ("def play(:", "submission"),
    ],
)  # fmt: skip
def test_an_entry_is_what_has_a_play(tmp_path, code, contract):
    (tmp_path / "mine.py").write_text(code)
    assert Source(name="mine", file=tmp_path / "mine.py").contract == contract


def test_a_folder_may_hold_an_entry_for_each_framework(tmp_path):
    for name in ("entry_torch.py", "entry.py"):
        (tmp_path / name).write_text("def play(game): ...")
    assert find_submission(str(tmp_path), "torch").file.name == "entry_torch.py"
    assert find_submission(str(tmp_path), "jax").file.name == "entry.py"


@pytest.mark.parametrize("text", ["nowhere/", "./nowhere", "nowhere.py", "a/b"])
def test_a_path_that_leads_nowhere_is_not_taken_for_the_name_of_an_algorithm(text):
    with pytest.raises(SubmissionError, match=f"{text}: there is no such file or folder"):
        find_submission(text, "torch")


def test_a_run_in_place_of_a_submission_is_told_how_to_continue_it(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(SubmissionError, match=r"is a run, and no submission.*--resume"):
        find_submission(str(tmp_path), "torch")
