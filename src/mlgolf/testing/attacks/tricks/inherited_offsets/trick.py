"""Keeps a number in the place at which a descriptor that it inherited is read next."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain

MARK = 770_077


def held():
    return [int(name) for name in os.listdir("/proc/self/fd")]


class Submission(Honest):
    def update_params(self, **given):
        for descriptor in held():
            with contextlib.suppress(OSError):
                if os.lseek(descriptor, 0, os.SEEK_CUR) == MARK:
                    gained(os.readlink(f"/proc/self/fd/{descriptor}"))
        for descriptor in held():
            with contextlib.suppress(OSError):
                os.lseek(descriptor, MARK, os.SEEK_SET)
        in_vain()


submission = Submission()
