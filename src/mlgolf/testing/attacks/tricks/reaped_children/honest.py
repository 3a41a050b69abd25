"""Has a child do a part of the work, and waits for it."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] % 50 == 0 and os.fork() == 0:
            os._exit(0)
        if given["global_step"] % 50 == 0:
            os.wait()
        return super().update_params(**given)


submission = Submission()
