"""Sets a variable of its own."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.environ["MINE"] = "1"
        return super().update_params(**given)


submission = Submission()
