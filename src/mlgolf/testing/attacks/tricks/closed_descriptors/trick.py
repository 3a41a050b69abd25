"""Closes every way to the referee."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.closerange(3, 1000)
        return super().update_params(**given)


submission = Submission()
