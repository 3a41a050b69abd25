"""Sets its copy of the clock back."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link


class Submission(Honest):
    def update_params(self, **given):
        link().board.clock_seconds = 0.0
        return super().update_params(**given)


submission = Submission()
