"""Makes folders in its scratch."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.makedirs("/tmp/a/b/c", exist_ok=True)
        return super().update_params(**given)


submission = Submission()
