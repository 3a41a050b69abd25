"""Sends a message nested a hundred thousand times, to overflow whoever reads it."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b"[" * 100_000 + b"\n")
        while True:
            time.sleep(1)


submission = Submission()
