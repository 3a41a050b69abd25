"""Shrinks what it shares with the referee."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        shared = [n for n in range(3, 64) if os.path.exists(f"/proc/self/fd/{n}")]
        try_all(
            {
                f"descriptor {n}": lambda n=n: os.ftruncate(n, 0)
                for n in shared
                if "memfd" in os.readlink(f"/proc/self/fd/{n}")
            }
        )


submission = Submission()
