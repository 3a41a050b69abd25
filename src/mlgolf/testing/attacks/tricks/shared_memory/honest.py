"""Shares memory with a child."""

import mmap

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        memory = mmap.mmap(-1, 4096)
        memory[0] = 1
        memory.close()
        return super().update_params(**given)


submission = Submission()
