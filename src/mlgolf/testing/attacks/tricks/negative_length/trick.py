"""Hands over a model of negative length."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import hand_over


class Submission(Honest):
    def update_params(self, **given):
        hand_over(b"", -1)


submission = Submission()
