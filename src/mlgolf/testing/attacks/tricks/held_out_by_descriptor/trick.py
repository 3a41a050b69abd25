"""Looks through inherited descriptors."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import data_folder, gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        found = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                found[name] = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
        ours = str(data_folder() / "train")
        odd = [
            path
            for name, path in found.items()
            if (os.path.isdir(f"/proc/self/fd/{name}") and not path.startswith("/proc/"))
            or (
                path.startswith("/")
                and not path.startswith((ours, "/dev/", "/memfd:", "/proc/"))
                and not path.endswith("log.txt")
            )
        ]
        if odd:
            gained(odd)
        in_vain(f"{len(found)} descriptors")


submission = Submission()
