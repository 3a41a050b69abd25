"""Sends the supervisor every signal."""

import contextlib
import os
import signal

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 10:
            for number in signal.valid_signals():
                with contextlib.suppress(OSError):
                    os.kill(1, number)
        return super().update_params(**given)


submission = Submission()
