"""Keeps a few hundred files."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.mknod(f"/tmp/{given['global_step']}")
        return super().update_params(**given)


submission = Submission()
