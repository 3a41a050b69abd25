"""Claims a hundred steps before each answer about validation data, so that answers seem due."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link
from mlgolf.testing.attacks.inside_torch import climb


class Submission(Honest):
    def update_params(self, **given):
        climb(given, link().submit)


submission = Submission()
