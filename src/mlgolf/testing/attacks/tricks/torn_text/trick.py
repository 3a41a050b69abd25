"""Says a reason that is no text: half of a character."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b'{"message": "Finished", "fields": {"step": 1, "reason": "\\ud800"}}\n')
        while True:
            time.sleep(1)


submission = Submission()
