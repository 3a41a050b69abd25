"""Makes the log too long."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        for far in (lambda: os.ftruncate(1, 1 << 33), lambda: os.pwrite(1, b"x", 1 << 33)):
            with contextlib.suppress(OSError):
                far()
        if os.fstat(1).st_size > 1 << 30:
            gained(f"{os.fstat(1).st_size:,} bytes")
        in_vain(f"{os.fstat(1).st_size:,} bytes")


submission = Submission()
