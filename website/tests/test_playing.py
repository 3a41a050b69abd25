"""How a worker plays an entry: what it says when that does not come to its end."""

import os
import signal
import time
from types import SimpleNamespace

import pytest
from mlgolf_site.jobs.calling import Lost
from mlgolf_site.jobs.playing import play
from mlgolf_site.jobs.worker import ensure_ledger
from uploads import folder_zip, zipped

JOB = {
    "job": 1, "run": "mine-1", "kind": "play", "entry": "mine", "contest": "quick", "cell": "",
    "framework": "torch", "ruleset": "self", "folder_sha256": "a", "version": 1,
}


class OneJob:
    """A worker that has one entry to play, and keeps what it says of it."""

    def __init__(self, place, game, code):
        self.place, self.game, self.code = place, game, code
        place.mkdir()
        self.ledger = place.parent / "ledger"
        ensure_ledger(self.ledger)
        self.said = []
        self.delivered = []

    def competition(self, job):
        return self.game

    def call(self, method, path, **options):
        return SimpleNamespace(content=self.code)

    def follow(self, job, process, told):
        return process.wait()

    def send(self, job, send):
        self.delivered.append(job["run"])

    def give_up(self, job, reason, *, refused=False, stopped=False):
        self.said.append((refused, reason))


@pytest.fixture
def given_up(tmp_path, game_folder):
    """What a worker says of an entry whose module is this one, which it cannot play."""
    def of(module):
        code = zipped({"mine/entry.py": module.encode()})
        worker = OneJob(tmp_path / "place", game_folder, code)
        play(worker, JOB, worker.place)
        (said,) = worker.said
        return said

    return of


def test_an_entry_that_does_not_import_is_refused(given_up):
    refused, reason = given_up("import nothing_of_this_name\ndef play(game): pass\n")
    assert (refused, "entry.py does not import" in reason) == (True, True)


def test_an_entry_is_not_refused_where_the_worker_lacks_its_data(given_up, monkeypatch):
    monkeypatch.setenv("MLGOLF_DATA_DIR", "/dev/null/data")
    refused, reason = given_up("def play(game): pass\n")
    assert not refused
    assert "/dev/null/data" in reason


class KilledOnce(OneJob):
    """As soon as the run has a folder."""

    def follow(self, job, process, told):
        run = self.place / "run" / job["run"] / "run.json"
        if run.exists():
            return process.wait()
        while not run.exists():
            assert process.poll() is None, (self.place / "said.txt").read_text()
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise Lost("its worker was killed")


def test_a_run_that_was_cut_off_is_continued_and_delivered(tmp_path, game_folder):
    worker = KilledOnce(
        tmp_path / "place", game_folder, folder_zip(game_folder / "baseline", "mine")
    )
    with pytest.raises(Lost):
        play(worker, JOB, worker.place)
    play(worker, JOB, worker.place)
    assert (worker.said, worker.delivered) == ([], ["mine-1"])
