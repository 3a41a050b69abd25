"""Asks for more than its share of the processor."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
                "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
                "round robin": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
            }
        )


submission = Submission()
