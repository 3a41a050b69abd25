import os
import re
from datetime import date
from pathlib import Path

import pytest
from synthetic_trials import run_record

from mlgolf.core.errors import RunFolderError
from mlgolf.results.run_folder import create_run
from mlgolf.results.run_names import latest_run, new_run_folder, run_name

DAY = date(2026, 11, 25)


def test_a_run_is_named_by_its_day_and_its_submissions():
    assert run_name(["nadamw", "my_adamw"], DAY) == "2026-11-25-nadamw-my_adamw"


def test_of_many_submissions_three_are_named_and_the_rest_is_counted():
    assert run_name(list("abcde"), DAY) == "2026-11-25-a-b-c-and-2-more"


@pytest.mark.parametrize("name", ["adam[w]", "../up", "a b", "x\x1b[2Jy", "-rf", "ü" * 300, "…"])
def test_a_name_needs_no_quotes_and_stays_short(name):
    made = run_name([name], DAY)
    assert re.fullmatch(r"2026-11-25-[\w.+][\w.+-]*", made)
    assert len(made) < 50


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    paths = []
    for _ in range(3):
        with new_run_folder(["a"], tmp_path, DAY) as path:
            create_run(path, run_record())
            paths.append(path.name)
    assert paths == ["2026-11-25-a", "2026-11-25-a-2", "2026-11-25-a-3"]


def test_two_runs_that_start_at_once_get_two_folders(tmp_path):
    with new_run_folder(["a"], tmp_path, DAY) as one, new_run_folder(["a"], tmp_path, DAY) as two:
        assert one != two


def test_a_folder_to_which_nothing_was_written_is_removed(tmp_path):
    with pytest.raises(ValueError, match="a mistake"), new_run_folder(["a"], tmp_path / "runs"):
        raise ValueError("a mistake")
    assert list(tmp_path.iterdir()) == []


def written(path: Path, seconds: float) -> None:
    os.utime(path, (seconds, seconds))


def run(path: Path, seconds: float) -> Path:
    create_run(path, run_record())
    written(path / "run.json", seconds)
    return path


def test_the_latest_run_is_the_one_that_was_started_last(tmp_path):
    run(tmp_path / "b", 1000)
    run(tmp_path / "a", 2000)
    assert latest_run(tmp_path) == tmp_path / "a"


def test_a_run_that_was_continued_is_later_than_one_that_was_started_meanwhile(tmp_path):
    continued, meanwhile = run(tmp_path / "a", 1000), run(tmp_path / "b", 2000)
    verdict = continued / "s" / "study_0" / "linear_torch" / "trial_1" / "verdict.json"
    verdict.parent.mkdir(parents=True)
    verdict.touch()
    written(verdict, 3000)
    (meanwhile / "report.html").touch()
    assert latest_run(tmp_path) == continued


def test_without_a_run_the_error_says_where_it_looked_and_how_to_make_one(tmp_path):
    with pytest.raises(RunFolderError, match=f"no run in {tmp_path}/runs. .* mlgolf run nadamw"):
        latest_run(tmp_path / "runs")
