"""Keeps a compile cache within its trial."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.makedirs(os.path.expanduser("~/.cache/mine"), exist_ok=True)
        return super().update_params(**given)


submission = Submission()
