"""Whose the cores were."""

import math
import subprocess
import sys
import time

import pytest

from mlgolf.diagnosis import core_use
from mlgolf.diagnosis.core_use import CoreSeconds, core_seconds

BEFORE = CoreSeconds(wall=0.0, own=1.0, all=10.0)
STAT = """\
cpu  900 0 0 0 0 0 0 0 0 0
cpu0 100 20 30 9000 900 1 2 7 50 0
cpu1 200 0 0 9000 0 0 0 0 0 0
intr 1
"""


def test_what_is_not_ours_is_that_of_other_programs():
    used = BEFORE.until(CoreSeconds(wall=10.0, own=6.0, all=25.0))
    assert (used["own_cores"], used["other_cores"]) == (0.5, 1.0)


@pytest.mark.parametrize(
    "later",
    [CoreSeconds(wall=0.05, own=1.0, all=10.1), CoreSeconds(wall=9.0, own=2.0, all=math.nan)],
)
def test_nothing_is_told_of_a_moment_or_where_the_kernel_is_silent(later):
    assert BEFORE.until(later) == {}


def test_idle_time_and_cores_of_others_do_not_count(tmp_path, monkeypatch):
    file = tmp_path / "stat"
    file.write_text(STAT)
    monkeypatch.setattr(core_use.os, "sched_getaffinity", lambda _: {0})
    assert core_use._everybody(file) * core_use._TICKS == 100 + 20 + 30 + 1 + 2 + 7


def test_a_program_that_computes_beside_us_is_seen():
    before = core_seconds()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        time.sleep(1.0)
        used = before.until(core_seconds())  # the other one has not ended, and is no worker
        other.kill()
    assert used["other_cores"] > 0.2
    assert used["own_cores"] < used["other_cores"]
