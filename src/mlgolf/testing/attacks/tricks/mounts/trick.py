"""Mounts over what it sees, or moves its root."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, system_call, try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
                "bind": lambda: call("mount", b"/", b"/tmp", None, 0x1000, None),
                "remount": lambda: call("mount", None, b"/", None, 0x21, None),
                "unmount": lambda: call("umount2", b"/tmp", 2),
                "root": lambda: call("chroot", b"/tmp"),
                "pivot": lambda: system_call(155, 41, b"/tmp", b"/tmp"),
            }
        )


submission = Submission()
