"""Looks at how many cores it has."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert len(os.sched_getaffinity(0)) >= 1
        return super().update_params(**given)


submission = Submission()
