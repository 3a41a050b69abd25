"""Trials side by side in processes that may end before them."""

import os
import signal

import pytest

from mlgolf.core.errors import WorkerEnded
from mlgolf.engines.local import SideBySide


def killed(plan):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_said_with_how_to_go_on():
    with pytest.raises(WorkerEnded, match=r"was killed, .* resume the run, or play fewer at a"):
        list(SideBySide(2).run(["a plan"], killed))
