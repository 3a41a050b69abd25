"""Asks who it is."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert os.getuid() >= 0
        return super().update_params(**given)


submission = Submission()
