"""Who has which core, among players of one process and of several."""

import os
from contextlib import ExitStack

import pytest

from mlgolf.core.hardware import load_hardware
from mlgolf.core.records import SHARED_MACHINE
from mlgolf.referee.cores import kept_off, taken_cores
from mlgolf.referee.machine import machine
from mlgolf.referee.protocol import why_unofficial

PINNED = load_hardware("one-thread-cpu")
ROAMING = PINNED.model_copy(update={"pin_to_one_core": False})
ALLOWED = sorted(os.sched_getaffinity(0), reverse=True)


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGOLF_LOCK_DIR", str(tmp_path))
    return tmp_path


def test_players_have_a_core_each_from_the_last_on_as_long_as_there_are_enough():
    with ExitStack() as players:
        taken = [players.enter_context(taken_cores(PINNED)) for _ in ALLOWED]
        assert [cores.numbers for cores in taken] == [(number,) for number in ALLOWED]
        assert not any(cores.were_shared() for cores in taken)


def test_the_folder_of_locks_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGOLF_LOCK_DIR", str(tmp_path / "new" / "locks"))
    with taken_cores(PINNED):
        assert (tmp_path / "new" / "locks" / "mlgolf-cores").is_file()


def test_where_no_core_is_free_both_players_of_the_last_learn_that_they_shared_it():
    with ExitStack() as players:
        first, *others = (players.enter_context(taken_cores(PINNED)) for _ in ALLOWED)
        with taken_cores(PINNED) as one_more:
            assert one_more.numbers == first.numbers
            assert one_more.were_shared()
        assert first.were_shared()
        assert not any(cores.were_shared() for cores in others)


def test_a_core_stays_taken_until_the_last_of_its_players_has_ended_and_is_then_as_new():
    with ExitStack() as later:
        with taken_cores(ROAMING):
            later.enter_context(taken_cores(PINNED))
        with taken_cores(ROAMING) as third:
            assert third.were_shared()
    with taken_cores(ROAMING) as alone:
        assert not alone.were_shared()


def test_a_class_that_is_not_pinned_needs_every_core():
    with taken_cores(ROAMING) as whole:
        assert whole.numbers == ()
        assert not whole.were_shared()
        with taken_cores(PINNED) as one:
            assert one.were_shared()
        assert whole.were_shared()


def test_a_killed_process_leaves_no_core_taken():
    child = os.fork()
    if child == 0:
        taken_cores(ROAMING).__enter__()
        os._exit(0)
    os.waitpid(child, 0)
    with taken_cores(ROAMING) as cores:
        assert not cores.were_shared()


def test_every_user_may_lock_and_write_these_files(locks):
    before = os.umask(0o077)
    try:
        with taken_cores(PINNED):
            pass
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in locks.iterdir()} == {0o666}


def test_a_player_that_shared_its_core_is_unofficial():
    assert why_unofficial({"shared_cores": True}) == SHARED_MACHINE
    assert why_unofficial({"cores": [1]}) == ""


def test_the_cores_of_the_machine_are_recorded_wherever_the_referee_is():
    with kept_off(ALLOWED[:1]):
        assert machine()["cores"] == os.cpu_count()
