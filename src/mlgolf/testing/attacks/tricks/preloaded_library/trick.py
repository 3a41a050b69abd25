"""Leaves settings for the loader of programs, so that its code is in every later process."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        if os.environ.get("LD_PRELOAD") or os.path.exists("/etc/ld.so.preload"):
            gained("a library that is loaded into everything")
        os.environ["LD_PRELOAD"] = "/tmp/kept.so"
        with contextlib.suppress(OSError), open("/etc/ld.so.preload", "x") as file:
            file.write("# kept")
        in_vain()


submission = Submission()
