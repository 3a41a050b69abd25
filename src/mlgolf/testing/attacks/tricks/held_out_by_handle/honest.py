"""Opens a file beside a directory that it holds."""

import os

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        root = os.open("/tmp", os.O_RDONLY)
        os.close(os.open("mine", os.O_CREAT | os.O_RDWR, dir_fd=root))
        os.close(root)
        return super().update_params(**given)


submission = Submission()
