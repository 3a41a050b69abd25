"""Trials side by side in processes that may end before them."""

import os
import signal
import time

import pytest

from mlgolf.core.errors import WorkerEnded
from mlgolf.engines.local import SideBySide
from mlgolf.referee.cores import first_choice


def killed(plan):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_said_with_how_to_go_on():
    with pytest.raises(WorkerEnded, match=r"was killed, .* resume the run, or play fewer at a"):
        list(SideBySide(2).run(["a plan"], killed))


def cores_of_a_worker(plan):
    """Once there is another at work. Returns: its own, and the one that is taken first."""
    folder, number = plan
    (folder / str(number)).touch()
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.sched_getaffinity(0), first_choice()


def test_workers_on_cores_of_their_own_know_the_one_that_is_taken_first(tmp_path):
    plans = [(tmp_path, number) for number in range(2)]
    (one, first), (other, also_first) = SideBySide(2).run(plans, cores_of_a_worker)
    allowed = os.sched_getaffinity(0)
    assert one | other == {*sorted(allowed)[-2:]}
    assert first == also_first == max(allowed)
