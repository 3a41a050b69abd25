"""Switches off the counters that count it."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import burn, libc, link, must_be_on_the_clock

TASK_PERF_EVENTS_DISABLE, NOT_DUMPABLE = 31, 4


class Submission(Honest):
    def update_params(self, **given):
        before = link().board.clock_seconds
        libc.prctl(TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0)
        libc.prctl(NOT_DUMPABLE, 0, 0, 0, 0)
        burn(0.3)
        if os.fork() == 0:
            burn(0.3)
            os._exit(0)
        os.wait()
        must_be_on_the_clock(0.6 + before)


submission = Submission()
