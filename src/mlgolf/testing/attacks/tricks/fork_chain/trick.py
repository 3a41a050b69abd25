"""Each process forks its successor and ends, faster than a list of them can be made."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import Worker, detach


def hop(worker):
    while True:
        for _ in range(50):
            worker.note()
        if os.fork():
            os._exit(0)


class Submission(Honest):
    def update_params(self, **given):
        worker = Worker()
        detach(lambda: hop(worker))
        worker.must_be_on_the_clock(given)


submission = Submission()
