"""Processes wake one another without end."""

import os
import signal

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import Worker, detach


def wake_others():
    while True:
        os.kill(-1, signal.SIGCONT)


class Submission(Honest):
    def update_params(self, **given):
        worker = Worker()
        detach(worker.work)
        for _ in range(3):
            detach(wake_others)
        worker.must_be_on_the_clock(given)


submission = Submission()
