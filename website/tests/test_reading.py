"""Code that is looked at before it is queued: nobody waits for whoever sends most of it."""

import pytest
from mlgolf_site.entries import reading
from mlgolf_site.entries.reading import MOST_READ, READ_HERE, read_code

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import SubmissionError


@pytest.fixture
def read(game_folder, tmp_path):
    """Reads an entry that has so many bytes of Python beside its own."""
    rules = load_competition(game_folder)
    rules = rules.model_copy(update={
        "rules": rules.rules.model_copy(update={"code_bytes": None})
    })  # fmt: skip
    folder = tmp_path / "mine"
    folder.mkdir()

    def look(more: int):
        (folder / "entry.py").write_text("def play(game):\n    game.submit({})\n")
        (folder / "table.py").write_text("x=1\n" * (more // 4))
        return read_code(folder, rules, "torch")

    return look


def test_little_code_is_read_at_once_and_much_by_a_process_of_its_own(read, monkeypatch):
    def none(*_: object, **__: object):
        raise AssertionError("a process was started")

    much = read(2 * READ_HERE)
    monkeypatch.setattr(reading, "ProcessPoolExecutor", none)
    little = read(0)
    assert (little.module, much.module) == ("entry.py", "entry.py")
    assert much.sha256 != little.sha256


def test_what_is_wrong_with_much_code_is_told_as_with_little(read, tmp_path):
    (tmp_path / "mine" / "wrong.py").write_text("def play(:\n")
    with pytest.raises(SubmissionError, match=r"wrong.py, line 1"):
        read(2 * READ_HERE)


def test_more_python_than_anybody_reads_is_refused_unread(read):
    with pytest.raises(SubmissionError, match=r"of Python; at most 1\.0 MB are read"):
        read(MOST_READ)


def test_reading_that_takes_too_long_is_ended(read, monkeypatch):
    monkeypatch.setattr(reading, "_limit", _no_time)
    with pytest.raises(SubmissionError, match="took more than"):
        read(2 * READ_HERE)


def _no_time() -> None:
    import os

    os._exit(9)
