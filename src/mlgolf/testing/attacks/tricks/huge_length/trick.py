"""Hands over a model that is longer than the memory it lies in."""

import time

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(encode(Submitted(1, 1 << 40)))
        while True:
            time.sleep(1)


submission = Submission()
