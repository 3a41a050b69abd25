"""Changes files of the host by the streams that it was left."""

import contextlib
import os
import stat

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, gained, in_vain

KEEP_SIZE = 1  # takes room on a disk, past the limit of a file's length


def changes(descriptor, mode):
    """What can be done to a file that is no pipe. The mode stays what it was."""
    yield "its mode", lambda: os.fchmod(descriptor, stat.S_IMODE(mode))
    if stat.S_ISREG(mode):
        yield "room", lambda: call("fallocate", descriptor, KEEP_SIZE, 0, 1 << 28)


class Submission(Honest):
    def update_params(self, **given):
        modes = {n: os.fstat(n).st_mode for n in range(3)}
        for descriptor, mode in modes.items():
            for what, change in () if stat.S_ISFIFO(mode) else changes(descriptor, mode):
                with contextlib.suppress(OSError):
                    change()
                    gained(f"{what}, of {os.readlink(f'/proc/self/fd/{descriptor}')}")
        in_vain(str([stat.filemode(mode) for mode in modes.values()]))


submission = Submission()
