"""Fills its scratch."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        size = 0
        for number in range(16):
            place = ("/tmp", "/dev/shm", "/var/tmp", "/run")[number % 4]
            with contextlib.suppress(OSError):
                file = os.open(f"{place}/{number}", os.O_CREAT | os.O_RDWR)
                os.posix_fallocate(file, 0, 1 << 28)
                size += 1 << 28
        if size > 1 << 30:
            gained(f"{size >> 20} MiB")
        in_vain(f"{size >> 20} MiB")


submission = Submission()
