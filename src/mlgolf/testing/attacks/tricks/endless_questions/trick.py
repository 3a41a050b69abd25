"""Asks for the validation loss without end, and learns from the answers alone."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link
from mlgolf.testing.attacks.inside_torch import climb


class Submission(Honest):
    def update_params(self, **given):
        climb(given, link().query)


submission = Submission()
