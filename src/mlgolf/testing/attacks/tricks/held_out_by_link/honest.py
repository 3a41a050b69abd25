"""Links to a file of its own."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            os.symlink(__file__, "/tmp/mine")
            open("/tmp/mine").read()
        return super().update_params(**given)


submission = Submission()
