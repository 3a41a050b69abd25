"""Leaves code where Python looks for it: in packages, caches, its start and its home."""

import builtins
import contextlib
import os
import site
import sys

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


def places():
    return [
        *sys.path,
        *site.getsitepackages(),
        site.getusersitepackages(),
        os.path.dirname(os.__file__) + "/__pycache__",
        os.path.dirname(__file__) + "/__pycache__",
    ]


class Submission(Honest):
    def update_params(self, **given):
        if hasattr(builtins, "kept") or any(
            os.path.exists(f"{place}/kept.pth") for place in places()
        ):
            gained("code that an earlier trial left")
        for place in places():
            for name in ("sitecustomize.py", "usercustomize.py", "kept.pth"):
                with contextlib.suppress(OSError):
                    os.makedirs(place, exist_ok=True)
                    with open(f"{place}/{name}", "x") as file:
                        file.write("import builtins; builtins.kept = 1")
        in_vain()


submission = Submission()
