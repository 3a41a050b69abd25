"""Burns CPU time in children that are gone at once."""

import os
import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import must_be_on_the_clock


def burn():
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    os._exit(0)


class Submission(Honest):
    def update_params(self, **given):
        for _ in range(4):
            if os.fork() == 0:
                burn()
            os.wait()
        must_be_on_the_clock(sum(os.times()[2:4]))


submission = Submission()
