"""Keeps weights in shared memory that has a key, or a name."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain, libc


class Submission(Honest):
    def update_params(self, **given):
        if libc.shmget(77, 4096, 0) >= 0 or os.path.exists("/dev/shm/kept"):
            gained("shared memory")
        libc.shmget(77, 4096, 0o1666)
        open("/dev/shm/kept", "w").close()
        in_vain()


submission = Submission()
