"""Sends bytes that are no message."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b"nonsense\n" * 10)
        while True:
            time.sleep(1)


submission = Submission()
