"""Keeps some bytes in the name of the machine."""

import contextlib
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        if "kept" in os.uname().nodename:
            gained("the name of the machine")
        with contextlib.suppress(OSError):
            call("sethostname", b"kept", 4)
        in_vain()


submission = Submission()
