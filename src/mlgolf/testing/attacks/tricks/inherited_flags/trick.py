"""Keeps a bit in a flag of a descriptor that it inherited."""

import contextlib
import fcntl
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


def held():
    return [int(name) for name in os.listdir("/proc/self/fd")]


class Submission(Honest):
    def update_params(self, **given):
        for descriptor in held():
            with contextlib.suppress(OSError):
                if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ASYNC:
                    gained(os.readlink(f"/proc/self/fd/{descriptor}"))
        for descriptor in held():
            with contextlib.suppress(OSError):
                flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
                fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
        in_vain()


submission = Submission()
