"""Keeps weights in files, wherever it can write."""

import contextlib
import os
import site

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


def places():
    return [
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/run",
        "/opt",
        "/usr/local",
        "/",
        "/dev",
        os.path.expanduser("~"),
        os.path.dirname(__file__),
        os.getcwd(),
        *site.getsitepackages(),
    ]


class Submission(Honest):
    def update_params(self, **given):
        for place in places():
            if os.path.exists(f"{place}/kept"):
                gained(place)
        for place in places():
            with contextlib.suppress(OSError), open(f"{place}/kept", "w") as file:
                file.write("weights")
        in_vain()


submission = Submission()
