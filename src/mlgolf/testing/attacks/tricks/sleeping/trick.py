"""Sleeps for ever."""

import time

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        while True:
            time.sleep(0.01)


submission = Submission()
