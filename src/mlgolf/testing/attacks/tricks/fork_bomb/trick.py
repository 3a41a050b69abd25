"""Starts threads and processes until there are too many."""

import _thread
import signal

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        threads = 0
        _thread.stack_size(64 << 10)
        try:
            while threads < 1200:
                _thread.start_new_thread(signal.pause, ())
                threads += 1
        except RuntimeError:
            in_vain(f"{threads} threads")
        gained(f"{threads} threads")


submission = Submission()
