"""Hands over a model of negative length."""

import time

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(encode(Submitted(1, -1)))
        while True:
            time.sleep(1)


submission = Submission()
