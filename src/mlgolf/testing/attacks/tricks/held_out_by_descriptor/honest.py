"""Opens and closes a descriptor of its own."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        os.close(os.open("/dev/null", os.O_RDONLY))
        return super().update_params(**given)


submission = Submission()
