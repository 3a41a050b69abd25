"""Keeps weights in a key of the kernel, that belongs to a user."""

import contextlib

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain, system_call


class Submission(Honest):
    def update_params(self, **given):
        with contextlib.suppress(OSError):
            gained(system_call(250, 219, 10, -4, b"user", b"kept", 0))
        with contextlib.suppress(OSError):
            system_call(248, 217, b"user", b"kept", b"weights", 7, -4)
        in_vain()


submission = Submission()
