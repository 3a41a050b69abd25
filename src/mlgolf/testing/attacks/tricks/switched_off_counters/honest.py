"""Gives itself a name."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import libc

SET_NAME = 15


class Submission(Honest):
    def update_params(self, **given):
        libc.prctl(SET_NAME, b"trainer", 0, 0, 0)
        return super().update_params(**given)


submission = Submission()
