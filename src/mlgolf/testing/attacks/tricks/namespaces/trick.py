"""Makes namespaces of its own, in which it has all rights."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "user": lambda: call("unshare", 0x10000000),
                "network": lambda: call("unshare", 0x40000000),
                "mounts": lambda: call("unshare", 0x00020000),
                "cgroup": lambda: call("unshare", 0x02000000),
                "time": lambda: call("unshare", 0x00000080),
                "enter": lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
            }
        )


submission = Submission()
