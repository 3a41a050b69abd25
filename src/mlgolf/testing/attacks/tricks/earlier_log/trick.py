"""Prints its weights, and looks for the log of the trial before."""

import contextlib
import glob
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        run = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        found = glob.glob(f"{run}/**/log.txt", recursive=True)
        if found:
            gained(found)
        with contextlib.suppress(OSError):
            if b"weights of" in os.pread(1, 1000, 0):
                gained("an earlier log")
        print("weights of this trial", flush=True)
        in_vain()


submission = Submission()
