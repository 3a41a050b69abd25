"""Asks for more rights, and for programs that give some."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "user": lambda: os.setuid(0),
                "groups": lambda: os.setgroups([0]),
                "bounding set": lambda: call("prctl", 36, 0, 0, 0, 0) or call("setuid", 0),
                "keep": lambda: call("prctl", 8, 1, 0, 0, 0) or os.setresuid(0, 0, 0),
            }
        )


submission = Submission()
