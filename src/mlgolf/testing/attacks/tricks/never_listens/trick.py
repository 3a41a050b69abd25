"""Hands over model after model without reading an answer, until answers fill the way back."""

import time

from mlgolf.core.messages import Submitted, encode
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import harness, link, say


class Submission(Honest):
    def update_params(self, **given):
        length = link()._handover.write(harness()._arrays(given["current_param_container"], None))
        for step in range(1, 3000):
            say(encode(Submitted(step, length, True)))
        while True:
            time.sleep(1)


submission = Submission()
