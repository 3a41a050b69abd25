"""Reads clocks."""

import time

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert time.time() > 0
        return super().update_params(**given)


submission = Submission()
