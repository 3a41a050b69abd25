"""Reads what the system says of its users' names."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert os.getcwd()
        return super().update_params(**given)


submission = Submission()
