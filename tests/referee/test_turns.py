"""Trials side by side: who waits gets the machine alone, and who is killed holds nothing."""

import fcntl
import multiprocessing
import os
import signal
import threading
import time

import pytest

from mlgolf.referee.cores import lock_file
from mlgolf.referee.turns import Turns, turns


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGOLF_LOCK_DIR", str(tmp_path))


def until_wanted(place: Turns) -> None:
    deadline = time.monotonic() + 30
    while not place.is_wanted():
        assert time.monotonic() < deadline, "nobody waits for the machine"
        time.sleep(0.001)


def test_alone_on_the_machine_nobody_waits_and_it_is_taken_at_once():
    with turns() as one:
        assert not one.is_wanted()
        assert one.take()
        one.give_back()
        assert not one.is_wanted()


def test_who_takes_the_machine_waits_until_the_other_has_stepped_aside():
    with turns() as one, turns() as other:
        has_it, done = threading.Event(), threading.Event()

        def alone():
            assert one.take()
            has_it.set()
            done.wait(10)
            one.give_back()

        taker = threading.Thread(target=alone)
        taker.start()
        until_wanted(other)
        assert not has_it.wait(0.1)
        aside = threading.Thread(target=other.step_aside)
        aside.start()
        assert has_it.wait(10)
        assert aside.is_alive()
        done.set()
        aside.join(10)
        taker.join(10)
        assert not aside.is_alive()
        assert not other.is_wanted()


def test_who_comes_while_one_has_the_machine_waits():
    with turns() as one:
        assert one.take()
        started = threading.Event()

        def comes():
            with turns():
                started.set()

        late = threading.Thread(target=comes)
        late.start()
        assert not started.wait(0.1)
        one.give_back()
        late.join(10)
        assert started.is_set()


def test_one_that_asks_while_another_waits_is_told_no():
    with turns() as one, turns() as other:
        taker = threading.Thread(target=one.take)
        taker.start()
        until_wanted(other)
        assert not other.take()
        aside = threading.Thread(target=other.step_aside)
        aside.start()
        taker.join(10)
        one.give_back()
        aside.join(10)


def _take_and_wait(ready):
    with turns() as place:
        assert place.take()
        ready.set()
        signal.pause()


def test_who_is_killed_while_alone_gives_the_machine_back():
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_take_and_wait, args=(ready,))
    process.start()
    assert ready.wait(60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with turns() as place:  # waits for ever where the lock outlives its holder
        assert not place.is_wanted()
    process.join(10)


def test_one_that_only_looks_whether_somebody_waits_keeps_nobody_from_taking_the_machine(
    monkeypatch
):
    with turns() as one, lock_file("alone") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)  # as `is_wanted` does, for as long as it looks
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        assert one.take()


def test_who_waits_for_one_that_does_not_step_aside_gives_its_turn_up(monkeypatch):
    monkeypatch.setattr("mlgolf.referee.turns.PATIENCE_SECONDS", 0.05)
    with turns() as one, turns() as other:
        assert not one.take()
        assert not other.is_wanted()
