"""Never ends what it says."""

import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import say


class Submission(Honest):
    def update_params(self, **given):
        say(b'{"message": "Submitted", "fields": {"reason": "')
        while True:
            say(b"x")
            time.sleep(0.01)


submission = Submission()
