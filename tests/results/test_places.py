from pathlib import Path

import pytest
from synthetic_trials import run_record

from mlgolf.core.errors import RunFolderError
from mlgolf.results.places import check_that_it_is_a_trial, what_lies_at
from mlgolf.results.run_folder import create_run

TRIAL = Path("runs/my run/s/study_0/linear_torch/trial_1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of runs with one run of one trial, an empty folder and a file."""
    monkeypatch.chdir(tmp_path)
    create_run(Path("runs/my run"), run_record())
    TRIAL.mkdir(parents=True)
    (TRIAL / "trial.json").touch()
    Path("empty").mkdir()
    Path("plain.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (TRIAL, "a trial"), (TRIAL.parent, "part of a run"), (Path("runs/my run"), "a run"),
        (Path("runs"), "a folder of runs"), (Path("."), "a folder without runs"),
        (Path("empty"), "an empty folder"), (Path("plain.txt"), "a file"),
        (Path("nowhere"), "not there"),
    ],
)  # fmt: skip
def test_what_lies_at_a_path_is_told_by_its_files(here, path, what):
    assert what_lies_at(path) == what


def test_a_trial_is_taken_for_one(here):
    check_that_it_is_a_trial(TRIAL)


@pytest.mark.parametrize("path", ["runs", "runs/my run", "runs/my run/s/study_0"])
def test_where_there_are_trials_the_error_begins_with_what_to_type(here, path):
    with pytest.raises(RunFolderError) as caught:
        check_that_it_is_a_trial(Path(path))
    first, second = str(caught.value).splitlines()
    assert first == f"try: mlgolf replay '{TRIAL}'"
    assert second.startswith(f"{path} is ")


@pytest.mark.parametrize("path", ["empty", "plain.txt", "nowhere"])
def test_where_there_are_none_the_error_says_what_a_trial_is(here, path):
    with pytest.raises(RunFolderError, match=f"{path}.* trial"):
        check_that_it_is_a_trial(Path(path))


def test_a_part_of_a_run_is_one_from_inside_too(here, monkeypatch):
    monkeypatch.chdir(TRIAL.parent)
    assert what_lies_at(Path(".")) == "part of a run"
