"""Sets the clocks of the machine."""

import ctypes
import time

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "real time": lambda: time.clock_settime(time.CLOCK_REALTIME, 0.0),
                "steps": lambda: call("adjtimex", (ctypes.c_long * 64)(1)),
            }
        )


submission = Submission()
