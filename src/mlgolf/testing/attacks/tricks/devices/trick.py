"""Makes and opens devices: the memory and the disks of the machine."""

import os
import stat

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "memory": lambda: open("/dev/mem", "rb"),
                "messages": lambda: open("/dev/kmsg", "rb"),
                "terminal": lambda: open("/dev/tty", "rb"),
                "ptmx": lambda: open("/dev/ptmx", "r+b"),
                "fuse": lambda: open("/dev/fuse", "r+b"),
                "kvm": lambda: open("/dev/kvm", "r+b"),
                "made": lambda: os.mknod("/tmp/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1)),
                "disk": lambda: os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
            }
        )


submission = Submission()
