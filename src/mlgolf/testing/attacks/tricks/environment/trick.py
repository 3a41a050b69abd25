"""Looks for secrets in its environment."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        odd = [
            name
            for name in os.environ
            if name
            in ("USER", "LOGNAME", "SHELL", "OLDPWD", "SHLVL", "VIRTUAL_ENV", "MLGOLF_DATA_DIR")
            or name.endswith(("TOKEN", "SECRET", "PASSWORD", "KEY"))
            or name.startswith(("SSH_", "AWS_", "GIT"))
        ]
        if odd:
            gained(odd)
        in_vain(" ".join(sorted(os.environ)))


submission = Submission()
