"""Claims of trials: one of several gets it, and who is killed leaves nothing for good."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlgolf.core.errors import TrialTaken
from mlgolf.results.trial_lock import held

KILLED_THERE = """
import os, signal, sys
from pathlib import Path
from mlgolf.results import trial_lock
setattr(os, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
with trial_lock.held(Path(sys.argv[1])):
    pass
"""


@pytest.mark.parametrize("call", ["fsync", "replace", "link", "unlink"])
def test_what_was_left_by_a_kill_in_the_middle_of_a_claim_goes_with_the_next(call, tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED_THERE, str(tmp_path), call])
    assert done.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path)
    with held(tmp_path):
        assert os.listdir(tmp_path) == ["claim.json"]
    assert os.listdir(tmp_path) == []


def test_a_claim_of_the_living_that_was_put_aside_is_there_to_be_put_back(tmp_path):
    with held(tmp_path):
        aside = (tmp_path / "claim.json").rename(tmp_path / ".claim.json.0")
        with held(tmp_path):
            assert aside.exists()


def test_who_finds_a_claim_cleared_away_by_the_winner_is_told_so(tmp_path, monkeypatch):
    def link_too_late(mine: Path, path: Path) -> None:
        mine.unlink()
        raise FileNotFoundError(str(mine))

    monkeypatch.setattr(os, "link", link_too_late)
    with pytest.raises(TrialTaken, match="was being played by another process until now"):
        held(tmp_path).__enter__()


def claim_often(folder: Path, alone, most_at_once) -> None:
    for _ in range(100):
        try:
            with held(folder):
                with alone.get_lock():
                    alone.value += 1
                    most_at_once.value = max(most_at_once.value, alone.value)
                with alone.get_lock():
                    alone.value -= 1
        except TrialTaken:
            continue


def test_of_several_that_claim_at_once_one_plays(tmp_path):
    context = multiprocessing.get_context("fork")
    alone, most_at_once = context.Value("i", 0), context.Value("i", 0)
    workers = [
        context.Process(target=claim_often, args=(tmp_path, alone, most_at_once))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert most_at_once.value == 1
    assert os.listdir(tmp_path) == []
