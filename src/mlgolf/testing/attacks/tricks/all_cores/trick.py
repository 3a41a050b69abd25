"""Works on all cores while its own process waits."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import burn, must_be_on_the_clock


class Submission(Honest):
    def update_params(self, **given):
        os.sched_setaffinity(0, range(os.cpu_count()))
        for _ in range(4):
            if os.fork() == 0:
                burn(0.1)
                os._exit(0)
        for _ in range(4):
            os.wait()
        must_be_on_the_clock(sum(os.times()[2:4]))


submission = Submission()
