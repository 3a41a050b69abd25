"""Sends a line about its own end that only the referee may write."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b'{"message": "Exited", "fields": {"code": 0}}\n')
        while True:
            time.sleep(1)


submission = Submission()
