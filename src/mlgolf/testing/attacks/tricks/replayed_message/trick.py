"""Says once more that it is ready, to have the clock begin anew."""

import time

from mlgolf.core.messages import Ready, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(encode(Ready({})))
        while True:
            time.sleep(1)


submission = Submission()
