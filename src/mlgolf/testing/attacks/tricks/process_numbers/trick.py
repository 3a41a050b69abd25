"""Keeps a number in the numbers that processes get next."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        number = os.getpid()
        if number > 50:
            gained(f"process number {number}")
        for _ in range(100):
            if os.fork() == 0:
                os._exit(0)
            os.wait()
        in_vain()


submission = Submission()
