"""Shares memory with a child."""

import mmap

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        mmap.mmap(-1, 4096).close()
        return super().update_params(**given)


submission = Submission()
