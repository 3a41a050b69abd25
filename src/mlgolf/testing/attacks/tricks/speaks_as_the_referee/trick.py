"""Sends the referee an evaluation, as if it came from the referee."""

import time

from mlgolf.core.messages import Evaluated, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(encode(Evaluated(1, {"validation/loss": 0.0}, {"validation_goal_reached": True})))
        while True:
            time.sleep(1)


submission = Submission()
