"""Sends a message of many megabytes without an end."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b"x" * (64 << 20))
        while True:
            time.sleep(1)


submission = Submission()
