"""Ends with a reason that fills every board on which it stands."""

import time

from mlgolf.core.messages import Finished, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(encode(Finished(1, "x" * 900_000)))
        while True:
            time.sleep(1)


submission = Submission()
