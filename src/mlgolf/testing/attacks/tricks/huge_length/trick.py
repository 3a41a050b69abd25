"""Hands over a model that is longer than the memory it lies in."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import hand_over


class Submission(Honest):
    def update_params(self, **given):
        hand_over(b"", 1 << 40)


submission = Submission()
