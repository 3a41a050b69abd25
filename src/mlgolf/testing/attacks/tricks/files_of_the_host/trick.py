"""Reads passwords, keys and homes of the host."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "passwords": lambda: open("/etc/shadow").read(),
                "ssh": lambda: os.listdir("/etc/ssh"),
                "root": lambda: os.listdir("/root/.ssh"),
                "homes": lambda: os.listdir("/var/log"),
                "mail": lambda: os.listdir("/var/spool"),
                "boot": lambda: os.listdir("/boot"),
            }
        )


submission = Submission()
