"""Burns CPU time in children that are gone at once."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import burn, must_be_on_the_clock


class Submission(Honest):
    def update_params(self, **given):
        for _ in range(4):
            if os.fork() == 0:
                burn(0.1)
                os._exit(0)
            os.wait()
        must_be_on_the_clock(sum(os.times()[2:4]))


submission = Submission()
