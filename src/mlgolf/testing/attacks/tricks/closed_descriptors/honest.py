"""Opens a file of its own and closes it."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.close(os.open("/tmp/mine", os.O_CREAT | os.O_RDWR))
        return super().update_params(**given)


submission = Submission()
