"""Makes empty files without end."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain

MANY = 110_000


class Submission(Honest):
    def update_params(self, **given):
        number = 0
        try:
            for number in range(MANY):
                place = ("/tmp", "/dev/shm", "/var/tmp", "/run")[number % 4]
                os.mknod(f"{place}/{number}")
        except OSError:
            in_vain(f"{number} files")
        gained(f"{MANY} files")


submission = Submission()
