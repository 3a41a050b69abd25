"""Gives way to others."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            os.setpriority(os.PRIO_PROCESS, 0, 19)
        return super().update_params(**given)


submission = Submission()
